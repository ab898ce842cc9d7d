import { fork, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import { toError, type Clock } from '@cidadao/contracts'
import type { CrashReason } from '../errors.ts'
import { workerExecArgv } from './exec-argv.ts'
import { MemoryWatch } from './memory-watch.ts'
import { TaskNotCloneable, type WorkerDeath, type WorkerTransport } from './transport.ts'
import type { FromWorker, ToWorker, WorkerReply, WorkerTask } from './wire.ts'
import { fromWireError, type WireError } from './wire-error.ts'

export interface ProcessTransportOptions {
  readonly processModule: URL
  readonly memoryMb: number
  readonly clock: Clock
}

/** Parent → child. The input travels as bytes: whether it can be sent is then known before anything is. */
export type ToChild = { readonly kind: 'task'; readonly task: WorkerTask } | ToWorker
/** Child → parent. */
export type FromChild =
  { readonly kind: 'reply'; readonly reply: WorkerReply } | { readonly kind: 'dying'; readonly error: WireError } | FromWorker

/** What V8 says when it gives up; the process then aborts. */
const HEAP_EXHAUSTED = /heap out of memory|invalid table size|Allocation failed/
const LONGEST_TAIL = 4_096

/** A child process: what an agent does to its memory, its globals or its native code stays in there. */
export class ProcessTransport implements WorkerTransport {
  readonly died: Promise<WorkerDeath>
  readonly #child: ChildProcess
  readonly #memory: MemoryWatch
  #listener: (message: FromWorker) => void = () => {}
  #pending: { readonly resolve: (reply: WorkerReply) => void; readonly reject: (error: Error) => void } | undefined
  #lastError: Error | undefined
  /** The end of what it said on its way out. */
  #tail = ''
  #endedBy: 'us' | 'memory-watch' | undefined

  constructor({ processModule, memoryMb, clock }: ProcessTransportOptions) {
    this.#child = fork(fileURLToPath(processModule), [String(process.pid)], {
      execArgv: [...(workerExecArgv(processModule, process.execArgv) ?? inheritable(process.execArgv)), `--max-old-space-size=${memoryMb}`],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    this.#memory = new MemoryWatch({ pid: this.#child.pid, heapMb: memoryMb, clock, onExceeded: () => this.#end('memory-watch') })
    this.#child.on('message', (message) => this.#receive(message as FromChild))
    this.#child.on('error', (error) => (this.#lastError ??= error))
    this.#forwardErrors()
    this.died = this.#watch()
    this.#hold(false)
  }

  request(task: WorkerTask): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      const sendable = task.kind === 'run' ? { ...task, input: toBytes(task.input) } : task
      this.#pending = { resolve, reject }
      this.#hold(true)
      if (task.kind === 'run') this.#memory.start()
      this.#send({ kind: 'task', task: sendable })
    })
  }

  post(message: ToWorker): void {
    this.#send(message)
  }

  onMessage(listener: (message: FromWorker) => void): void {
    this.#listener = listener
  }

  async kill(): Promise<void> {
    this.#end('us')
    await this.died
  }

  #end(by: 'us' | 'memory-watch'): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#endedBy ??= by
    this.#child.kill('SIGKILL')
  }

  #send(message: ToChild): void {
    // A child that is gone has no line any more; `died` tells whoever waits.
    if (this.#child.connected) this.#child.send(message, (error) => error !== null && (this.#lastError ??= error))
  }

  #receive(message: FromChild): void {
    if (message.kind === 'dying') this.#lastError = fromWireError(message.error)
    else if (message.kind === 'reply') this.#settle(message.reply)
    else this.#listener(message)
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending
    this.#pending = undefined
    this.#memory.stop()
    this.#hold(false)
    pending?.resolve(reply)
  }

  /** An idle child does not keep this process alive; one at work does. */
  #hold(atWork: boolean): void {
    const { channel } = this.#child
    if (atWork) {
      this.#child.ref()
      channel?.ref()
    } else {
      this.#child.unref()
      channel?.unref()
    }
  }

  #forwardErrors(): void {
    const { stderr } = this.#child
    stderr?.on('data', (chunk: Buffer) => {
      this.#tail = (this.#tail + chunk.toString()).slice(-LONGEST_TAIL)
      process.stderr.write(chunk)
    })
    const socket = stderr as { readonly unref?: () => void } | null
    socket?.unref?.()
  }

  #watch(): Promise<WorkerDeath> {
    const { promise, resolve } = Promise.withResolvers<WorkerDeath>()
    const gone = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      this.#memory.stop()
      const death = { reason: this.#deathReason(signal), exitCode: exitCode ?? codeOf(signal), error: this.#lastError }
      resolve(death)
      this.#pending?.reject(new Error(`the process of an agent ended: ${death.reason}`))
      this.#pending = undefined
    }
    // 'close' comes after the last line of stderr, which says why; without a child there is only an error.
    this.#child.once('close', gone)
    if (this.#child.pid === undefined) this.#child.once('error', () => gone(null, null))
    return promise
  }

  #deathReason(signal: NodeJS.Signals | null): CrashReason {
    if (this.#endedBy === 'memory-watch') return 'out-of-memory'
    if (this.#endedBy === 'us') return 'killed'
    if (this.#lastError !== undefined) return 'uncaught-error'
    return signal === 'SIGABRT' && HEAP_EXHAUSTED.test(this.#tail) ? 'out-of-memory' : 'exit'
  }
}

function toBytes(input: unknown): Uint8Array {
  try {
    return serialize(input)
  } catch (thrown) {
    throw new TaskNotCloneable(toError(thrown).message, { cause: thrown })
  }
}

/** As the shell tells it: 128 and the number of the signal. */
function codeOf(signal: NodeJS.Signals | null): number {
  return signal === null ? -1 : 128 + constants.signals[signal]
}

/** A debugger's port is taken by this process already. */
function inheritable(execArgv: readonly string[]): readonly string[] {
  return execArgv.filter((flag) => !flag.startsWith('--inspect'))
}
