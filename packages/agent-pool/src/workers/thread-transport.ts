import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { toError } from '@cidadao/contracts'
import { Piscina } from 'piscina'
import type { CrashReason } from '../errors.ts'
import { workerExecArgv } from './exec-argv.ts'
import { TaskNotCloneable, type WorkerDeath, type WorkerTransport } from './transport.ts'
import type { FromWorker, ThreadWarmUp, ToWorker, WorkerReply, WorkerTask } from './wire.ts'

export interface ThreadTransportOptions {
  readonly workerModule: URL
  readonly memoryMb: number
}

/**
 * A worker thread: a Piscina of exactly one, so that Piscina's queue, which knows no tenants and no ageing, stays empty,
 * and that rotating pools is rotating workers.
 */
export class ThreadTransport implements WorkerTransport {
  readonly died: Promise<WorkerDeath>
  readonly #piscina: Piscina<unknown, WorkerReply>
  readonly #control: MessagePort
  /** The thread's end of the second line, until the first task takes it along. */
  #remote: MessagePort | undefined
  #lastError: Error | undefined
  #killed = false

  constructor(options: ThreadTransportOptions) {
    const { port1, port2 } = new MessageChannel()
    this.#piscina = spawn(options)
    this.#control = port1
    this.#remote = port2
    // An idle pool does not keep the process alive; Piscina holds it while a task runs.
    port1.unref()
    this.#piscina.on('error', (error: unknown) => (this.#lastError = toError(error)))
    this.died = this.#watch(this.#piscina.threads[0])
  }

  async request(task: WorkerTask): Promise<WorkerReply> {
    try {
      return await (task.kind === 'warm-up' ? this.#firstTask(task) : this.#piscina.run(task))
    } catch (thrown) {
      const error = toError(thrown)
      if (error.name === 'DataCloneError') throw new TaskNotCloneable(error.message, { cause: error })
      if (this.#piscina.threads.length > 0) this.#lastError ??= error
      throw error
    }
  }

  post(message: ToWorker): void {
    this.#control.postMessage(message)
  }

  onMessage(listener: (message: FromWorker) => void): void {
    this.#control.on('message', listener)
    this.#control.unref()
  }

  async kill(): Promise<void> {
    // Said only of a thread that lives: one that is already gone has its own reason.
    if (this.#piscina.threads.length > 0 && this.#lastError === undefined) this.#killed = true
    await this.#piscina.destroy()
  }

  #firstTask(task: Extract<WorkerTask, { kind: 'warm-up' }>): Promise<WorkerReply> {
    const control = this.#remote
    if (control === undefined) throw new Error('a thread is warmed up once')
    this.#remote = undefined
    return this.#piscina.run({ ...task, control } satisfies ThreadWarmUp, { transferList: [control] })
  }

  #watch(worker: Worker | undefined): Promise<WorkerDeath> {
    if (worker === undefined) throw new Error('piscina started no thread')
    return new Promise((resolve) => {
      worker.on('error', (error: unknown) => (this.#lastError = toError(error)))
      worker.once('exit', (exitCode) => {
        this.#control.close()
        this.#remote?.close()
        resolve({ reason: this.#deathReason(), exitCode, error: this.#lastError })
      })
    })
  }

  #deathReason(): CrashReason {
    if (this.#killed) return 'killed'
    if (this.#lastError === undefined) return 'exit'
    return 'code' in this.#lastError && this.#lastError.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out-of-memory' : 'uncaught-error'
  }
}

function spawn(options: ThreadTransportOptions): Piscina<unknown, WorkerReply> {
  const execArgv = workerExecArgv(options.workerModule, process.execArgv)
  const piscina = new Piscina<unknown, WorkerReply>({
    filename: fileURLToPath(options.workerModule),
    name: 'handle',
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    // By default an idle worker blocks in Atomics.wait, and with it whatever an agent left to its event loop.
    atomics: 'disabled',
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
  })
  // From here on Piscina must not replace a thread that died: when to do so, and whether, is the crew's decision.
  piscina.options.minThreads = 0
  return piscina
}
