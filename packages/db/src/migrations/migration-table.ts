import { randomUUID } from 'node:crypto'
import type { SqlExecutor } from '../sql-executor.ts'
import { checksumOf, type Migration } from './migration.ts'

/** A row of Prisma's own table of migrations. */
export interface MigrationRecord {
  readonly id: string
  readonly name: string
  readonly checksum: string
  readonly state: 'applied' | 'unfinished' | 'rolled-back'
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
    await this.#sql.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
      id,
      checksumOf(migration),
      migration.name,
    ])
    return id
  }

  async finish(id: string): Promise<void> {
    await this.#sql.query(
      'UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = applied_steps_count + 1 WHERE id = $1',
      [id],
    )
  }

  async fail(id: string, logs: string): Promise<void> {
    await this.#sql.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, logs])
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
  const state = row.rolled_back_at !== null ? 'rolled-back' : row.finished_at === null ? 'unfinished' : 'applied'
  return { id, name, checksum, logs, state }
}
