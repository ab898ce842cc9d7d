import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildCluster, giveTo, type DataFolder } from '../folder/data-folder.ts'
import { PostgresStartError } from '../errors.ts'
import type { PostgresBinaries } from '../postgres-binaries.ts'
import { runCommand } from '../process/run-command.ts'

export interface ClusterInitOptions {
  readonly binaries: PostgresBinaries
  readonly password: string
  /** Whether to wait for the disk; a throwaway cluster does not. */
  readonly sync: 'disk' | 'none'
  readonly onStarted?: (pid: number) => void
  readonly signal?: AbortSignal | undefined
}

/** The first version with a locale of its own, the same on every machine. */
const FIRST_WITH_BUILTIN_LOCALE = 17

/** Makes a new cluster: UTF-8, byte order that no system library changes, passwords by SCRAM. */
export async function initCluster(folder: DataFolder, options: ClusterInitOptions): Promise<void> {
  await buildCluster(folder, (unfinishedDir) =>
    withPasswordFile(folder, options.password, async (passwordFile) => {
      const args = [`--pgdata=${unfinishedDir}`, `--pwfile=${passwordFile}`, ...initArguments(options)]
      const { exitCode, output } = await runCommand(options.binaries.initdb, args, {
        account: folder.account,
        signal: options.signal,
        ...(options.onStarted === undefined ? {} : { onStarted: options.onStarted }),
      })
      if (exitCode !== 0) throw initFailure(exitCode, output)
    }),
  )
}

function initArguments(options: ClusterInitOptions): string[] {
  const locale = options.binaries.major >= FIRST_WITH_BUILTIN_LOCALE ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []
  const sync = options.sync === 'none' ? ['--no-sync'] : []
  return ['--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions', ...locale, ...sync]
}

/** initdb reads the password under the server's account, so the file is that account's, and lives only as long. */
async function withPasswordFile(folder: DataFolder, password: string, use: (file: string) => Promise<void>): Promise<void> {
  const file = join(folder.root, 'initdb-password')
  try {
    // One that a killed start left behind may belong to that account.
    await rm(file, { force: true })
    await writeFile(file, `${password}\n`, { mode: 0o600, flag: 'wx' })
    await giveTo(file, folder.account)
    await use(file)
  } finally {
    await rm(file, { force: true })
  }
}

function initFailure(exitCode: number | null, output: string): PostgresStartError {
  return new PostgresStartError(`initdb failed (exit code ${String(exitCode)}): ${output.trim().split('\n').slice(-5).join(' | ')}`, {
    facts: { exitCode },
  })
}
