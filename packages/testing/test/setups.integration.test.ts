import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, testPostgres, testRedis, testRedisCluster, type TestDatabase } from '../src/index.ts'

describe('global set-ups', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database.drop())

  it('provide a PostgreSQL that creates databases, in UTC and UTF-8', async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query<{ zone: string; encoding: string; word: string }>(
      `select current_setting('TimeZone') as zone, current_setting('server_encoding') as encoding, 'ação'::text as word`,
    )
    await client.end()
    expect(rows).toEqual([{ zone: 'UTC', encoding: 'UTF8', word: 'ação' }])
    expect(testPostgres().url).toMatch(/^postgres/)
  })

  it('provide a single Redis', async () => {
    const client = new Redis(testRedis().url)
    await client.set('kit:word', 'ação')
    expect(await client.get('kit:word')).toBe('ação')
    client.disconnect()
  })

  it('provide a Redis Cluster that a cluster client can use', async () => {
    const { nodes, password } = testRedisCluster()
    const client = new Cluster(
      nodes.map(({ host, port }) => ({ host, port })),
      { redisOptions: password === null ? {} : { password } },
    )
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await client.set(`kit:${key}`, key)
    const values = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => client.get(`kit:${key}`)))
    client.disconnect()
    expect(values).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })
})
