import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, createEmbeddedPostgres, type Database } from '@cidadao/db'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { runCli, startCli, type CliOptions, type CliResult, type RunningCli } from './cli-process.ts'

/** A folder with data of its own and generated contracts, and a PostgreSQL that stays up while its processes come and go. */
export interface Workplace {
  readonly folder: string
  /** Folder with 300 synthetic contracts. */
  readonly source: string
  /** With superuser's rights. */
  readonly db: Database
  readonly databaseUrl: string
  run(args: readonly string[], options?: Partial<CliOptions>): Promise<CliResult>
  start(args: readonly string[], options?: Partial<CliOptions>): RunningCli
  close(): Promise<void>
}

export async function openWorkplace(): Promise<Workplace> {
  const folder = await openFolder()
  const dataDir = join(folder, 'data')
  const source = join(folder, 'contracts')
  await writeSyntheticPortal(source, { seed: 7, contracts: 300 })
  const server = createEmbeddedPostgres({ dataDir })
  await server.start()
  const db = createDatabase({ url: () => server.url, migrations: 'apply', auditOrigin: 'audit.cidadao.local/embedded' })
  await db.start()
  const complete = (options: Partial<CliOptions> = {}): CliOptions => {
    return { cwd: folder, ...options, env: { CIDADAO_DATA_DIR: dataDir, ...options.env } }
  }
  return {
    folder,
    source,
    db,
    databaseUrl: server.url,
    run: (args, options) => runCli(args, complete(options)),
    start: (args, options) => startCli(args, complete(options)),
    close: async () => {
      await db.stop()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL runs under another account than root, which must be able to reach its data. */
export async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-cli-'))
  await chmod(folder, 0o755)
  return folder
}
