import type { Logger, TypedEvents } from '@cidadao/contracts'
import { ConnectionBudgetError, NotPrimaryError } from './errors/connection-errors.ts'
import type { DatabaseEvents } from './events.ts'
import type { ResolvedPoolOptions } from './pool/pool-options.ts'
import type { SqlExecutor } from './sql-executor.ts'

export interface ServerFacts {
  readonly role: 'primary' | 'replica'
  /** Connections that ordinary roles may have altogether. */
  readonly availableConnections: number
}

interface ServerRow {
  readonly in_recovery: boolean
  readonly available: number
}

// `reserved_connections` exists from PostgreSQL 16 on.
const SERVER_FACTS = `
SELECT pg_is_in_recovery() AS in_recovery,
  current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - COALESCE(current_setting('reserved_connections', TRUE)::integer, 0) AS available`

export async function readServerFacts(sql: SqlExecutor): Promise<ServerFacts> {
  const { rows } = await sql.query<ServerRow>({ name: 'server.facts', text: SERVER_FACTS })
  const [row] = rows
  return { role: row?.in_recovery === true ? 'replica' : 'primary', availableConnections: row?.available ?? 0 }
}

export interface ServerCheckParts {
  readonly pool: ResolvedPoolOptions
  readonly events: TypedEvents<DatabaseEvents>
  readonly logger: Logger
}

/**
 * Refuses a replica, and a pool that the server could never fill. Warns where all processes together could ask for
 * more than there is: they may never do so at the same time.
 */
export function requireUsable(facts: ServerFacts, parts: ServerCheckParts): void {
  if (facts.role === 'replica') throw new NotPrimaryError('the server is a replica and takes no writes')
  const { size, maxOverflow, processes } = parts.pool
  const perProcess = size + maxOverflow
  const { availableConnections: available } = facts
  if (perProcess > available) {
    throw new ConnectionBudgetError(
      `the pool may open ${perProcess} connections (size ${size} + overflow ${maxOverflow}), but the server gives at most ${available}: ` +
        'lower the pool or raise max_connections',
      { facts: { perProcess, available } },
    )
  }
  const planned = perProcess * processes
  if (planned <= available) return
  parts.logger.warn('more database connections are planned than the server has', { planned, available, processes })
  parts.events.emit('connection-budget', { planned, available, processes })
}
