import type pg from 'pg'
import { ORIGIN } from './bench-server.ts'

const BLOCK = 5_000

/** Appends entries that the server makes up itself, through the log's own function: valid ones, without a client's work. */
export async function appendGenerated(pool: pg.Pool, count: number): Promise<void> {
  for (let done = 0; done < count; done += BLOCK) {
    await pool.query({
      name: 'append-generated',
      text: `SELECT count(*) FROM audit_append(ARRAY(
        SELECT format('{"action":"investigation.completed","agent":"system","data":{"anomalies":5,"outcome":"success"},"id":"%s","investigation":"inv_%s","log":"%s","ts":"2024-01-31T12:00:00.000000Z","v":1}', gen_random_uuid(), n % 1000, $2::text)
        FROM generate_series(1, $1::integer) AS n))`,
      values: [Math.min(BLOCK, count - done), ORIGIN],
    })
  }
}
