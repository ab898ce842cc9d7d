import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { identifyProcess, signalProcess } from '../src/index.ts'
import { until } from './until.ts'

/** Another process that holds a server. */
export interface Holder {
  readonly server: { readonly pid: number; readonly port: number; readonly dataDir: string; readonly origin: string }
  readonly process: ChildProcess
  /** SIGKILL: no chance to clean up. */
  kill(): Promise<void>
}

const SCRIPT = fileURLToPath(new URL('fixtures/hold-server.ts', import.meta.url))

/** Runs a process that starts a server and waits to be killed; both are gone after the test. */
export async function holdServer(args: readonly string[], ids: { readonly uid?: number; readonly gid?: number } = {}): Promise<Holder> {
  const child = spawn(process.execPath, ['--conditions=@cidadao/source', '--no-warnings', SCRIPT, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    ...ids,
  })
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => undefined)])
  if (first === undefined) throw new Error(`the holder ended: ${Buffer.concat(errors).toString('utf8')}`)
  const server = JSON.parse(String(first[0])) as Holder['server']
  const identity = identifyProcess(server.pid)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    if (identity !== undefined) signalProcess(identity, 'SIGQUIT')
    await until(() => identifyProcess(server.pid) === undefined)
  })
  return {
    server,
    process: child,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
