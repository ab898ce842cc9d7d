import { writeFile } from 'node:fs/promises'
import pg from 'pg'
import { expect, it } from 'vitest'
import { createTestDatabase, testPostgres, testRedis, testRedisCluster } from '../../src/index.ts'

it('uses what it is given, and reports it', async () => {
  const database = await createTestDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.end()
  const facts = { postgres: testPostgres(), redis: testRedis(), cluster: testRedisCluster(), database: database.name }
  await writeFile(process.env.NESTED_REPORT ?? '', JSON.stringify(facts))
})
