import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BIN: string = fileURLToPath(new URL('../../bin/cidadao.mjs', import.meta.url))
export const DIST_MAIN: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
/** Of util-linux; runs a command on a pseudo-terminal. */
const SCRIPT = '/usr/bin/script'
export const HAS_PSEUDO_TERMINAL: boolean = process.platform === 'linux' && existsSync(SCRIPT)

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** What is run in place of the executable of the sources. @default [node, bin/cidadao.mjs] */
  readonly command?: readonly [string, ...string[]]
}

/** A running `cidadao`, in an environment of its own. */
export interface RunningCli {
  readonly process: ChildProcess
  readonly ended: Promise<CliResult>
  readonly output: () => string
  /** Resolves when standard output and standard error together match. Rejects when the process ends before. */
  waitFor(pattern: RegExp): Promise<RegExpMatchArray>
}

export const NODE_AND_BIN: readonly [string, ...string[]] = [process.execPath, BIN]

export function startCli(args: readonly string[], { cwd, env = {}, command = NODE_AND_BIN }: CliOptions): RunningCli {
  const [program, ...before] = command
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const child = spawn(program, [...before, ...args], {
    cwd,
    env: { PATH: path, HOME: cwd, LC_ALL: 'en_US.UTF-8', TERM: 'xterm', CIDADAO_HTTP_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const look of watchers) look()
    })
  }
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  const all = (): string => output.stdout + output.stderr
  const waitFor = (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(all())
        if (match === null) return
        watchers.delete(look)
        resolve(match)
      }
      watchers.add(look)
      look()
      void ended.then(() => reject(new Error(`ended without ${String(pattern)}:\n${all()}`)), reject)
    })
  return { process: child, ended, output: all, waitFor }
}

export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended
}

/** Both streams as one terminal shows them. */
export function runOnPseudoTerminal(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const line = [...NODE_AND_BIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  return runCli([], { ...options, command: [SCRIPT, '-qec', line, '/dev/null'] })
}
