import { randomUUID } from 'node:crypto'
import type { SqlExecutor } from '../sql-executor.ts'
import { checksumOf, isAtomic, type Migration } from './migration.ts'

/** `interrupted`: began as one transaction and never ended, so nothing of it is there. `unfinished`: nobody knows. */
export const MIGRATION_STATES = ['applied', 'unfinished', 'interrupted', 'rolled-back'] as const
export type MigrationState = (typeof MIGRATION_STATES)[number]

/** A row of Prisma's own table of migrations. */
export interface MigrationRecord {
  readonly id: string
  readonly name: string
  readonly checksum: string
  readonly state: MigrationState
  readonly logs: string | null
}

interface MigrationRow {
  readonly id: string
  readonly migration_name: string
  readonly checksum: string
  readonly finished_at: Date | null
  readonly rolled_back_at: Date | null
  readonly logs: string | null
}

// As Prisma's schema engine creates it, so that its command line finds its own table.
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`

/** In `logs` while a migration runs as one transaction. Prisma shows it to whoever asks for the status meanwhile. */
const RUNNING_ATOMICALLY =
  'runs, or was interrupted and left nothing: it is one transaction, and the next start of the program runs it again'

/** `_prisma_migrations`, read and written exactly as Prisma does. */
export class MigrationTable {
  readonly #sql: SqlExecutor

  constructor(sql: SqlExecutor) {
    this.#sql = sql
  }

  async exists(): Promise<boolean> {
    return this.#tableExists('_prisma_migrations')
  }

  /** Whether tables of our names are there already, made by somebody else. */
  async hasForeignTables(): Promise<boolean> {
    return this.#tableExists('investigations')
  }

  async create(): Promise<void> {
    await this.#sql.query(CREATE_TABLE)
  }

  async records(): Promise<readonly MigrationRecord[]> {
    const { rows } = await this.#sql.query<MigrationRow>(
      'SELECT id, migration_name, checksum, finished_at, rolled_back_at, logs FROM _prisma_migrations ORDER BY started_at, migration_name',
    )
    return rows.map(toRecord)
  }

  async begin(migration: Migration): Promise<string> {
    const id = randomUUID()
    await this.#sql.query('INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ($1, $2, $3, $4)', [
      id,
      checksumOf(migration),
      migration.name,
      isAtomic(migration) ? RUNNING_ATOMICALLY : null,
    ])
    return id
  }

  /** As text, to travel with the migration; `id` is one of `begin`, a UUID. */
  finishing(id: string): string {
    return `UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1, logs = NULL WHERE id = '${id}'`
  }

  async fail(id: string, logs: string): Promise<void> {
    await this.#sql.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, logs])
  }

  /** Notes that an interrupted run left nothing, as `prisma migrate resolve --rolled-back` does. */
  async forget(id: string): Promise<void> {
    await this.#sql.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = $1', [id])
  }

  /** Returns how many unfinished runs of that migration were marked. */
  async markRolledBack(name: string): Promise<number> {
    const { rowCount } = await this.#sql.query(
      'UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL',
      [name],
    )
    return rowCount ?? 0
  }

  async #tableExists(name: string): Promise<boolean> {
    const { rows } = await this.#sql.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [name])
    return rows[0]?.found === true
  }
}

function toRecord(row: MigrationRow): MigrationRecord {
  const { id, migration_name: name, checksum, logs } = row
  return { id, name, checksum, logs, state: stateOf(row) }
}

function stateOf({ rolled_back_at, finished_at, logs }: MigrationRow): MigrationState {
  if (rolled_back_at !== null) return 'rolled-back'
  if (finished_at !== null) return 'applied'
  return logs === RUNNING_ATOMICALLY ? 'interrupted' : 'unfinished'
}
