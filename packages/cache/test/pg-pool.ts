// eslint-disable-next-line @nx/enforce-module-boundaries -- the tier takes a pool port; tests hand it the real thing
import pg from 'pg'
import { createTestDatabase } from '@cidadao/testing'
import type { PostgresPoolPort } from '../src/postgres/index.ts'

/** As the migrations make it. */
export const TABLE = `
  CREATE UNLOGGED TABLE cache_entries (
    key_hash bigint NOT NULL, key text NOT NULL, namespace text NOT NULL, generation bigint NOT NULL DEFAULT 0,
    payload bytea, expires_at timestamptz(3) NOT NULL, PRIMARY KEY (key_hash, key));
  CREATE INDEX ON cache_entries (expires_at);`

export interface TestPool extends PostgresPoolPort {
  /** Runs a statement in a transaction of its own that stays open, with its locks. */
  hold(text: string, values: unknown[]): Promise<{ release(): Promise<void> }>
  end(): Promise<void>
}

/** A pool on a database of its own, with the cache's table in it unless told otherwise. */
export async function testPool(table: 'with table' | 'without table' = 'with table'): Promise<TestPool> {
  const database = await createTestDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: 8 })
  pool.on('error', () => {}) // Dropping the database ends its idle connections.
  if (table === 'with table') await pool.query(TABLE)
  return {
    query: (text, values) => pool.query(text, values),
    hold: async (text, values) => {
      const client = await pool.connect()
      await client.query('BEGIN')
      await client.query(text, values)
      return {
        release: async () => {
          await client.query('ROLLBACK')
          client.release()
        },
      }
    },
    end: async () => {
      await pool.end()
      await database.drop()
    },
  }
}
