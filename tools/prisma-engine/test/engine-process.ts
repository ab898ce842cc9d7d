import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const MAIN = join(import.meta.dirname, '../src/main.ts')

export interface EngineExit {
  readonly code: number | null
  readonly stdout: readonly Answer[]
  /** What it logged, with the level and Prisma's number where there is one. */
  readonly log: readonly { readonly level: string; readonly fields: { readonly message: string; readonly error_code?: string } }[]
}

export interface Answer {
  readonly id: number | string | null
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: {
    readonly code: number
    readonly data: { readonly is_panic: boolean; readonly message: string; readonly error_code?: string }
  }
}

/** The engine as Prisma's command line starts it: requests on standard input until it is closed. */
export async function runEngine(url: string, requests: readonly object[], args: readonly string[] = []): Promise<EngineExit> {
  const child = spawn(process.execPath, [MAIN, '--datasource', JSON.stringify({ url }), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const stdout = readLines<Answer>(child.stdout)
  const log = readLines<EngineExit['log'][number]>(child.stderr)
  // An engine that panicked is gone before all is written.
  child.stdin.on('error', () => {})
  child.stdin.end(requests.map((request) => `${JSON.stringify({ jsonrpc: '2.0', ...request })}\n`).join(''))
  return { code: await exited, stdout, log }
}

function readLines<T>(stream: NodeJS.ReadableStream): T[] {
  const read: T[] = []
  createInterface({ input: stream }).on('line', (line) => {
    if (line !== '') read.push(JSON.parse(line) as T)
  })
  return read
}
