import { readFile } from 'node:fs/promises'
import { bindMigrationAwareSqlAdapterFactory, type ErrorRegistry } from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'
import { runDatabaseCommand } from './database-commands.ts'
import { databaseOf } from './database-address.ts'
import type { Datasource } from './engine-arguments.ts'
import { loadSchemaEngine } from './load-schema-engine.ts'
import { MigrationAdapterFactory } from './migration-adapter.ts'

/** Requests that the WebAssembly answers under the same name. */
const SAME_NAME = [
  'applyMigrations',
  'createMigration',
  'dbExecute',
  'debugPanic',
  'devDiagnostic',
  'diagnoseMigrationHistory',
  'ensureConnectionValidity',
  'evaluateDataLoss',
  'introspect',
  'markMigrationApplied',
  'markMigrationRolledBack',
  'reset',
  'schemaPush',
] as const
type SameName = (typeof SAME_NAME)[number]

export interface SchemaEngineApiParts {
  readonly datasource: Datasource
  readonly datamodels: readonly string[]
  /** Asks the command line to print, before the request's answer. */
  readonly print: (text: string) => void
  readonly log: (line: string) => void
  readonly onPanic: (message: string) => void
}

/** The engine's requests by name. Connects at the first one. */
export class SchemaEngineApi {
  readonly #parts: SchemaEngineApiParts
  #registry: ErrorRegistry = { consumeError: () => undefined }
  #factory: MigrationAdapterFactory | undefined
  #engine: Promise<SchemaEngine> | undefined

  constructor(parts: SchemaEngineApiParts) {
    this.#parts = parts
  }

  get registry(): ErrorRegistry {
    return this.#registry
  }

  knows(method: string): boolean {
    return ['createDatabase', 'diff', 'getDatabaseVersion', ...SAME_NAME].includes(method)
  }

  async call(method: string, params: unknown): Promise<unknown> {
    if (method === 'createDatabase') return this.#createDatabase()
    this.#engine ??= this.#open()
    const engine = await this.#engine
    if (method === 'getDatabaseVersion') return engine.version()
    if (method === 'diff') return this.#diff(engine, params)
    return (await callSameName(engine, method as SameName, params)) ?? null
  }

  async close(): Promise<void> {
    await this.#factory?.close()
  }

  async #open(): Promise<SchemaEngine> {
    const { datasource, datamodels, log, onPanic } = this.#parts
    const url = requireUrl(datasource)
    if (datasource.shadowDatabaseUrl !== null) {
      throw new Error('shadowDatabaseUrl: none can be given here, since this engine makes a shadow database of its own on the same server')
    }
    const files = await Promise.all(datamodels.map(async (file): Promise<[string, string]> => [file, await readFile(file, 'utf8')]))
    const SchemaEngineClass = await loadSchemaEngine(onPanic)
    this.#factory = new MigrationAdapterFactory(url)
    const bound = bindMigrationAwareSqlAdapterFactory(this.#factory)
    this.#registry = bound.errorRegistry
    return SchemaEngineClass.new({ datamodels: files.length === 0 ? undefined : files }, log, bound)
  }

  /** The native engine prints by itself, and leaves nothing to print in its answer. */
  async #diff(engine: SchemaEngine, params: unknown): Promise<unknown> {
    const { exitCode, stdout } = await engine.diff(params as Parameters<SchemaEngine['diff']>[0])
    if (stdout !== null) this.#parts.print(stdout.replace(/\n$/, ''))
    return { exitCode, stdout: null }
  }

  async #createDatabase(): Promise<unknown> {
    const url = requireUrl(this.#parts.datasource)
    await runDatabaseCommand('create-database', url)
    return { databaseName: databaseOf(url) }
  }
}

function requireUrl(datasource: Datasource): string {
  if (datasource.url === null) throw new Error('DATABASE_URL is required: this engine asks a server also where only files are compared')
  return datasource.url
}

/** The engine's methods need their object, and differ only in the type of what they take. */
async function callSameName(engine: SchemaEngine, method: SameName, params: unknown): Promise<unknown> {
  const methods = engine as unknown as Readonly<Record<SameName, (params: unknown) => unknown>>
  return methods[method].call(engine, params)
}
