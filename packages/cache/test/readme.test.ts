import { readFileSync } from 'node:fs'
import { testRedis } from '@cidadao/testing'
import { describe, expect, it } from 'vitest'
import * as cacheModule from '../src/index.ts'
import * as redisModule from '../src/redis/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('has an example that runs', async () => {
    const example = /```ts\n([\s\S]+?)```/.exec(readme)?.[1] ?? ''
    const { hostname, port } = new URL(testRedis().url)
    const body = example
      .replace(/^import .*$/gm, '')
      .replace(/definePolicy<[^(]+>\(/, 'definePolicy(')
      .replace("'127.0.0.1', port: 6379", `'${hostname}', port: ${port}`)
    const names = { ...cacheModule, ...redisModule, load: async () => ({ name: 'Ministério da Saúde' }) }
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text of the README is the test
    const run = new Function(...Object.keys(names), `return (async () => {${body}; return { supplier, cache, redis, suppliers } })()`) as (
      ...values: unknown[]
    ) => Promise<{
      supplier: unknown
      cache: cacheModule.Cache
      redis: redisModule.RedisConnection
      suppliers: cacheModule.CacheNamespace<unknown>
    }>
    const { supplier, cache, redis, suppliers } = await run(...Object.values(names))
    expect(supplier).toEqual({ name: 'Ministério da Saúde' })
    expect(redis.status()).toMatchObject({ state: 'connected', mode: 'single' })
    expect((await suppliers.get('00394460')).outcome).toBe('miss')
    await cache.stop()
    await redis.stop()
  })

  it('shows the table as the tests make it', async () => {
    const { TABLE } = await import('./pg-pool.ts')
    const squeeze = (sql: string): string => sql.replace(/\s+/g, ' ').trim()
    expect(squeeze(/```sql\n([\s\S]+?)```/.exec(readme)?.[1] ?? '')).toBe(squeeze(TABLE))
  })
})
