import pg from 'pg'
import { databaseOf, quoteIdentifier, withDatabase } from './database-address.ts'
import type { DatabaseCommand } from './engine-arguments.ts'

const CONNECT_TIMEOUT_MS = 10_000
/** Every server has them; the second where somebody removed the first. */
const MAINTENANCE_DATABASES = ['postgres', 'template1']

/** A failure with the number by which Prisma's command line decides what to do next. */
export class DatabaseCommandError extends Error {
  readonly errorCode: string | null

  constructor(message: string, errorCode: string | null, cause: unknown) {
    super(message, { cause })
    this.name = 'DatabaseCommandError'
    this.errorCode = errorCode
  }
}

/**
 * Carries out one of the engine's sub-commands, and returns what to say.
 *
 * @throws DatabaseCommandError whose message names server and database, never the password
 */
export async function runDatabaseCommand(command: DatabaseCommand, url: string): Promise<string> {
  const name = quoteIdentifier(databaseOf(url))
  switch (command) {
    case 'can-connect-to-database':
      await onServer(url, (client) => client.query('SELECT 1'))
      return 'connected'
    case 'create-database':
      await onMaintenanceDatabase(url, (client) => client.query(`CREATE DATABASE ${name}`))
      return `database ${name} created`
    case 'drop-database':
      await onMaintenanceDatabase(url, (client) => client.query(`DROP DATABASE ${name}`))
      return `database ${name} dropped`
  }
}

async function onMaintenanceDatabase(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  for (const [index, database] of MAINTENANCE_DATABASES.entries()) {
    try {
      await onServer(withDatabase(url, database), work)
      return
    } catch (error) {
      const last = index === MAINTENANCE_DATABASES.length - 1
      if (last || !(error instanceof DatabaseCommandError) || error.errorCode !== 'P1003') throw error
    }
  }
}

/**
 * Work on a connection of its own.
 *
 * @throws DatabaseCommandError
 */
export async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'cidadao-prisma-engine',
  })
  // The statement that runs then fails with it; unheard, it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await work(client)
  } catch (error) {
    throw explained(error, url)
  } finally {
    await client.end()
  }
}

/** SQLSTATE → Prisma's number. */
const ERROR_CODES: Readonly<Record<string, string>> = {
  '3D000': 'P1003',
  '28P01': 'P1000',
  '28000': 'P1000',
  '42P04': 'P1009',
  '42501': 'P1010',
}

function explained(error: unknown, url: string): DatabaseCommandError {
  const { hostname, port, username } = new URL(url)
  const message = error instanceof Error ? error.message : String(error)
  const state = error instanceof pg.DatabaseError ? error.code : undefined
  if (state === undefined) {
    const reason = message === '' && error instanceof AggregateError ? error.errors.map(String).join('; ') : message
    return new DatabaseCommandError(`no PostgreSQL answers at ${hostname}:${port === '' ? '5432' : port} (${reason})`, 'P1001', error)
  }
  return new DatabaseCommandError(`PostgreSQL refused user "${username}": ${message}`, ERROR_CODES[state] ?? null, error)
}
