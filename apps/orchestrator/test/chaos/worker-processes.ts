import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const WORKER = fileURLToPath(new URL('../support/durable-worker.ts', import.meta.url))

export interface WorkerProcess {
  readonly process: ChildProcess
  readonly output: () => string
}

export interface Crew {
  start(): Promise<WorkerProcess>
  /** `PID STEP` for each time an agent began. */
  runs(): Promise<readonly string[]>
}

/** Real worker processes on one database, which are killed at the end of the test. */
export async function crewOn(url: string, workMs: number): Promise<Crew> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-crew-'))
  const log = join(folder, 'runs')
  const started: ChildProcess[] = []
  onTestFinished(async () => {
    for (const child of started) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  return {
    start: async () => {
      const child = spawn(process.execPath, ['--conditions=@cidadao/source', WORKER, url, String(workMs), log], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      started.push(child)
      let text = ''
      const ready = Promise.withResolvers<void>()
      const take = (chunk: Buffer): void => {
        text += chunk.toString()
        if (text.includes('ready\n')) ready.resolve()
      }
      child.stdout.on('data', take)
      child.stderr.on('data', take)
      child.once('exit', () => ready.reject(new Error(`a worker ended before it was ready: ${text}`)))
      await ready.promise
      return { process: child, output: () => text }
    },
    runs: async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
  }
}
