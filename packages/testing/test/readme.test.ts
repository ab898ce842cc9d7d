import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import * as api from '../src/index.ts'
import { withClient } from '../src/postgres/sql-client.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('has an example that runs', async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    expect(example).toContain('createTestDatabase')
    const steps = example
      .replace(/^import .*$/m, '')
      .replace('await database.drop()', 'const seen = await look(database.url)\nawait database.drop()\nreturn { facts, seen }')
    const migrate = (url: string): Promise<unknown> => withClient(url, (client) => client.query('create table migrated as select 1 as n'))
    const look = (url: string): Promise<unknown> =>
      withClient(url, async (client) => (await client.query('select n from migrated')).rows as unknown)
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point is to run the very text of the README
    const run = new Function('createTestDatabase', 'testRedis', 'migrate', 'look', `return (async () => {${steps}})()`) as (
      ...args: readonly unknown[]
    ) => Promise<unknown>
    expect(await run(api.createTestDatabase, api.testRedis, migrate, look)).toEqual({
      facts: { databaseUrl: expect.stringMatching(/^postgresql:/) as string, redisUrl: api.testRedis().url },
      seen: [{ n: 1 }],
    })
  })

  it('names every error code, and no other', async () => {
    const source = await readFile(new URL('../src/errors.ts', import.meta.url), 'utf8')
    const inCode = [...source.matchAll(/code = '(\w+)'/g)].map((match) => match[1])
    const inReadme = [...readme.matchAll(/^\| `(TESTING_\w+)`/gm)].map((match) => match[1])
    expect(inReadme.toSorted()).toEqual(inCode.toSorted())
  })

  it('names only what the package offers', () => {
    const calls = [...readme.matchAll(/`(\w+)\((?:\{|assertion|\))/g)].map((match) => match[1] ?? '')
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.filter((name) => !(name in api))).toEqual([])
  })
})
