import { readFileSync } from 'node:fs'
import { Keyv } from 'keyv'
import { describe, expect, it } from 'vitest'
import * as cacheModule from '../src/index.ts'

const guide = readFileSync(new URL('../../../docs/guides/cache-migration.md', import.meta.url), 'utf8')

describe('the migration guide', () => {
  it('has code that runs and does what it says', async () => {
    const code = Array.from(guide.matchAll(/```ts\n([\s\S]+?)```/g), ([, block = '']) => block).join('\n')
    const body = code.replace(/definePolicy<[^(]+>\(/g, 'definePolicy(')
    const fetches: string[] = []
    const fetchUser = async (id: string) => {
      fetches.push(id)
      return { name: 'Ana' }
    }
    const shared = cacheModule.memoryTier()
    const names = { ...cacheModule, Keyv, fetchUser, cache: cacheModule.createCache({ tiers: [shared] }) }
    const results = '{ user, users, a, wrapped, fromKeyv }'
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text of the guide is the test
    const run = new Function(...Object.keys(names), `return (async () => {${body}; return ${results} })()`) as (
      ...values: unknown[]
    ) => Promise<Record<string, unknown> & { users: cacheModule.CacheNamespace<unknown> }>
    const { user, users, a, wrapped, fromKeyv } = await run(...Object.values(names))
    expect({ user, a, wrapped, fromKeyv, fetches }).toEqual({ user: { name: 'Ana' }, a: 1, wrapped: 4, fromKeyv: 'v', fetches: ['42'] })
    expect((await users.get('42')).outcome).toBe('miss')
  })
})
