import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { eventually } from '../src/index.ts'

/** A whole vitest run of `test/nested`, as a user starts it. */
export interface NestedRun {
  readonly process: ChildProcess
  /** What the nested test wrote down, once it has. */
  report<T>(): Promise<T>
  /** Resolves when the run is over, whatever its outcome. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly output: string }>
}

const ROOT = fileURLToPath(new URL('nested', import.meta.url))
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
/** Of this run, and not for another. */
const OWN_VARIABLES = /^(VITEST|TEST|NODE_OPTIONS|NODE_ENV)/

export async function startNestedRun(testFile: string, variables: Readonly<Record<string, string>> = {}): Promise<NestedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-nested-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const reportFile = join(folder, 'report.json')
  const inherited = Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.test(name) || name.startsWith('TESTCONTAINERS_'))
  const child = spawn(process.execPath, [VITEST, 'run', '--root', ROOT, testFile], {
    env: { TEST_SERVICES: 'native', ...Object.fromEntries(inherited), ...variables, NESTED_REPORT: reportFile, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const output = (): string => Buffer.concat(chunks).toString('utf8')
  const ended = new Promise<{ exitCode: number | null; output: string }>((resolve) =>
    child.on('exit', (exitCode) => resolve({ exitCode, output: output() })),
  )
  return {
    process: child,
    ended,
    report: async <T>() => {
      await eventually(
        () => {
          if (!existsSync(reportFile)) throw new Error(output())
        },
        { deadlineMs: 90_000, intervalMs: 50 },
      )
      return JSON.parse(await readFile(reportFile, 'utf8')) as T
    },
  }
}
