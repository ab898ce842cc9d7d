import pg from 'pg'
import { quoteIdentifier, schemaOf } from './database-address.ts'

const CONNECT_TIMEOUT_MS = 10_000
/** PostgreSQL's internal one-byte type, which its catalogues use for kinds. */
const CHAR_OID = 18
const TEXT_LIKE_OID = 1042

/** Which columns of a result were of the one-byte type, by its rows. */
export type CharColumns = WeakMap<object, readonly number[]>

/**
 * A pool of one: the engine's lock belongs to the session, so all of its statements must run in the same one, and it
 * must neither idle away during a question to the user nor be replaced by another after it broke.
 */
export function singleSession(url: string, charColumns: CharColumns): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'cidadao-prisma-engine',
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool waits for it; its types do not say so
    onConnect: refuseSecond((client) => prepareSession(client, url)),
  })
  // The next statement fails with it; unheard, it would end the process.
  pool.on('error', () => {})
  const query = pool.query.bind(pool) as unknown as (config: string | pg.QueryArrayConfig) => Promise<pg.QueryArrayResult>
  const watched = async (config: string | pg.QueryArrayConfig): Promise<pg.QueryArrayResult> =>
    noteCharColumns(await query(config), charColumns)
  pool.query = watched as unknown as typeof pool.query
  return pool
}

async function prepareSession(client: pg.ClientBase, url: string): Promise<void> {
  // The adapter writes instants without a zone, and means UTC.
  await client.query("SET TimeZone = 'UTC'")
  await client.query(`SET search_path = ${quoteIdentifier(schemaOf(url))}`)
}

function refuseSecond(prepare: (client: pg.ClientBase) => Promise<void>): (client: pg.ClientBase) => Promise<void> {
  let opened = false
  return async (client) => {
    if (opened)
      throw new Error('the connection to the database was lost, and with it the lock on the migrations: look at the status and try again')
    opened = true
    await prepare(client)
  }
}

/** The adapter knows no one-byte type: it gets a name that it knows, and the columns are remembered. */
function noteCharColumns(result: pg.QueryArrayResult, charColumns: CharColumns): pg.QueryArrayResult {
  // A script of several statements answers with a list, which nobody reads.
  if (Array.isArray(result)) return result
  const indexes: number[] = []
  for (const [index, field] of result.fields.entries()) {
    if (field.dataTypeID !== CHAR_OID) continue
    field.dataTypeID = TEXT_LIKE_OID
    indexes.push(index)
  }
  if (indexes.length > 0) charColumns.set(result.rows, indexes)
  return result
}
