import { rename, writeFile } from 'node:fs/promises'
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
  const report = process.env.NESTED_REPORT ?? ''
  // Whoever waits for the file finds it whole.
  await writeFile(`${report}.draft`, JSON.stringify(facts))
  await rename(`${report}.draft`, report)
})
