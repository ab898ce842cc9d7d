import { spawn } from 'node:child_process'
import type { ServerAccount } from './server-account.ts'

export interface CommandResult {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null
  /** Standard output and standard error, as they came. */
  readonly output: string
}

export interface CommandOptions {
  /** Whom to run as. @default the account of this process */
  readonly account?: ServerAccount
  /** Called with the id of the process as soon as it runs. @default nothing */
  readonly onStarted?: (pid: number) => void
  readonly signal?: AbortSignal | undefined
}

/** A small, fixed environment: what the user set for PostgreSQL's own tools (`PGDATA`, `PGPORT`, …) must not leak in. */
export const COMMAND_ENVIRONMENT: Readonly<Record<string, string>> = Object.freeze({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
})

/** Runs a program to its end. Rejects where it cannot be started or the signal aborts; a failing exit code is a result. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // The current folder may be one that the other account cannot enter.
      cwd: '/',
      env: { ...COMMAND_ENVIRONMENT },
      ...(options.account?.ids ?? {}),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') }))
    if (child.pid !== undefined) options.onStarted?.(child.pid)
  })
}
