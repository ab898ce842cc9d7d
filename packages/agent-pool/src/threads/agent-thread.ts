import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { toError, type Clock, type InfraError } from '@cidadao/contracts'
import { Piscina } from 'piscina'
import type { CrashReason } from '../errors.ts'
import { workerExecArgv } from './exec-argv.ts'
import type { AgentReference, CancelMessage, ProgressLimits, ProgressMessage, RunTask, WarmUpTask, WorkerReply } from './wire.ts'
import { fromWireError, toWireError } from './wire-error.ts'

export interface AgentThreadOptions {
  readonly agents: readonly AgentReference[]
  readonly workerModule: URL
  readonly threadMemoryMb: number
  readonly startTimeoutMs: number
  readonly limits: ProgressLimits
  readonly clock: Clock
  /** Aborting it gives up on the start. */
  readonly signal: AbortSignal
}

/** How a thread came to its end. */
export interface ThreadDeath {
  readonly reason: CrashReason
  readonly exitCode: number
  readonly error: Error | undefined
}

export type ThreadReply =
  | { readonly kind: 'reply'; readonly reply: WorkerReply }
  | { readonly kind: 'input-not-cloneable'; readonly error: Error }
  | { readonly kind: 'died'; readonly death: ThreadDeath }

/**
 * One warm worker thread: a Piscina of exactly one. One each, so that it is known which thread a run is on, and that
 * thread alone can be cancelled, killed, watched and replaced; and never more than one task, so that Piscina's queue,
 * which knows no tenants and no ageing, stays empty.
 */
export class AgentThread {
  readonly died: Promise<ThreadDeath>
  readonly #piscina: Piscina<unknown, WorkerReply>
  readonly #control: MessagePort
  /** Who is told of the progress of the run in hand. */
  #onProgress: ((json: string) => void) | undefined
  #runId: string | undefined
  #lastError: Error | undefined
  #killed = false
  #completedRuns = 0
  /** The agent that ran last: a late rejection is most likely its own. */
  #lastAgent: string | null = null

  /** Spawns the thread and has it import every agent; rejects, with nothing left behind, where that fails or takes too long. */
  static async start(options: AgentThreadOptions): Promise<AgentThread> {
    const { port1, port2 } = new MessageChannel()
    const thread = new AgentThread(spawn(options), port1)
    try {
      await thread.#warmUp(options, port2)
      return thread
    } catch (thrown) {
      await thread.kill()
      throw thrown
    }
  }

  private constructor(piscina: Piscina<unknown, WorkerReply>, control: MessagePort) {
    this.#piscina = piscina
    this.#control = control
    control.on('message', ({ runId, json }: ProgressMessage) => {
      if (runId === this.#runId) this.#onProgress?.(json)
    })
    // An idle pool does not keep the process alive; Piscina holds it while a task runs.
    control.unref()
    piscina.on('error', (error: unknown) => (this.#lastError = toError(error)))
    this.died = this.#watch(piscina.threads[0])
  }

  get completedRuns(): number {
    return this.#completedRuns
  }

  get lastAgent(): string | null {
    return this.#lastAgent
  }

  /** Runs one task; resolves also when the thread dies of it. */
  async run(task: RunTask, onProgress: (json: string) => void): Promise<ThreadReply> {
    this.#runId = task.runId
    this.#onProgress = onProgress
    this.#lastAgent = task.agent
    try {
      return { kind: 'reply', reply: await this.#piscina.run(task) }
    } catch (thrown) {
      const error = toError(thrown)
      if (error.name === 'DataCloneError') return { kind: 'input-not-cloneable', error }
      return { kind: 'died', death: await this.#deathBy(error) }
    } finally {
      this.#runId = undefined
      this.#onProgress = undefined
      this.#completedRuns++
    }
  }

  /** Aborts the signal of the run, if the thread still turns its event loop. */
  cancel(runId: string, reason: InfraError): void {
    this.#control.postMessage({ runId, reason: toWireError(reason) } satisfies CancelMessage)
  }

  /** Ends the thread, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#killed = true
    await this.#piscina.destroy()
    await this.died
  }

  async #warmUp(options: AgentThreadOptions, control: MessagePort): Promise<void> {
    const task: WarmUpTask = { kind: 'warm-up', control, agents: options.agents, limits: options.limits }
    const limit = giveUp(options)
    try {
      const reply = await Promise.race([this.#piscina.run(task, { transferList: [control] }), limit.promise])
      if (reply.kind === 'warm-up-failed') throw fromWireError(reply.error)
    } finally {
      limit.cancel()
    }
  }

  #watch(worker: Worker | undefined): Promise<ThreadDeath> {
    if (worker === undefined) throw new Error('piscina started no thread')
    return new Promise((resolve) => {
      worker.on('error', (error: unknown) => (this.#lastError = toError(error)))
      worker.once('exit', (exitCode) => {
        this.#control.close()
        resolve({ reason: this.#deathReason(), exitCode, error: this.#lastError })
      })
    })
  }

  #deathReason(): CrashReason {
    if (this.#killed) return 'killed'
    if (this.#lastError === undefined) return 'exit'
    return 'code' in this.#lastError && this.#lastError.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out-of-memory' : 'uncaught-error'
  }

  /** A task is only ever lost with its thread; should it be lost otherwise, the thread is not trusted any more. */
  async #deathBy(error: Error): Promise<ThreadDeath> {
    if (this.#piscina.threads.length > 0) {
      this.#lastError ??= error
      await this.#piscina.destroy()
    }
    return this.died
  }
}

/** A promise that rejects when the start takes too long or is not wanted any more. */
function giveUp(options: AgentThreadOptions): { readonly promise: Promise<never>; cancel(): void } {
  const { signal, startTimeoutMs, clock } = options
  let cancel = (): void => {}
  const promise = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(toError(signal.reason))
    const timer = clock.schedule(startTimeoutMs, () => reject(new Error(`a thread did not start within ${startTimeoutMs} ms`)))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    cancel = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
    }
  })
  return { promise, cancel }
}

function spawn(options: AgentThreadOptions): Piscina<unknown, WorkerReply> {
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
    resourceLimits: { maxOldGenerationSizeMb: options.threadMemoryMb },
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
  })
  // From here on Piscina must not replace a thread that died: when to do so, and whether, is the crew's decision.
  piscina.options.minThreads = 0
  return piscina
}
