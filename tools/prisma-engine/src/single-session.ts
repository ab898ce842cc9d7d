import pg from 'pg'
import { quoteIdentifier, schemaOf } from './database-address.ts'

const CONNECT_TIMEOUT_MS = 10_000
const APPLICATION = 'cidadao-prisma-engine'
const NO_RESULT: pg.QueryArrayResult = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] }
/** PostgreSQL's internal one-byte type, which its catalogues use for kinds. */
const CHAR_OID = 18
const TEXT_LIKE_OID = 1042

/** Which columns of a result were of the one-byte type, by its rows. */
export type CharColumns = WeakMap<object, readonly number[]>

export interface SingleSession {
  /** The adapter insists on a pool. */
  readonly pool: pg.Pool
  end(): Promise<void>
}

/**
 * One connection that looks like a pool. The engine's lock belongs to the session, so all of its statements must run in
 * the same one: it may not idle away during a question to the user, nor be given up after a failed statement as pools
 * do. One that broke stays broken: what follows must not run without the lock.
 */
export function singleSession(url: string, charColumns: CharColumns): SingleSession {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: APPLICATION,
  })
  let session: Promise<pg.PoolClient> | undefined
  const query = async (config: string | pg.QueryArrayConfig): Promise<pg.QueryArrayResult> => {
    session ??= openSession(pool, url)
    const client = await session
    const result = (await client.query(config as pg.QueryArrayConfig)) as pg.QueryArrayResult | readonly pg.QueryArrayResult[]
    return noteCharColumns(result, charColumns)
  }
  pool.query = query as unknown as typeof pool.query
  const end = async (): Promise<void> => {
    const opened = await session?.catch(() => undefined)
    opened?.release(true)
    await pool.end()
  }
  return { pool, end }
}

async function openSession(pool: pg.Pool, url: string): Promise<pg.PoolClient> {
  const client = await pool.connect()
  // The next statement fails with it; unheard, it would end the process.
  client.on('error', () => {})
  // The adapter writes instants without a zone, and means UTC.
  await client.query("SET TimeZone = 'UTC'")
  await client.query(`SET search_path = ${quoteIdentifier(schemaOf(url))}`)
  return client
}

/** The adapter knows no one-byte type: it gets a name that it knows, and the columns are remembered. */
function noteCharColumns(result: pg.QueryArrayResult | readonly pg.QueryArrayResult[], charColumns: CharColumns): pg.QueryArrayResult {
  // A script of several statements answers with a list, which nobody reads.
  if (isList(result)) return result[0] ?? NO_RESULT
  const indexes: number[] = []
  for (const [index, field] of result.fields.entries()) {
    if (field.dataTypeID !== CHAR_OID) continue
    field.dataTypeID = TEXT_LIKE_OID
    indexes.push(index)
  }
  if (indexes.length > 0) charColumns.set(result.rows, indexes)
  return result
}

function isList(result: pg.QueryArrayResult | readonly pg.QueryArrayResult[]): result is readonly pg.QueryArrayResult[] {
  return Array.isArray(result)
}
