import { defineService, delay, toError, TypedEvents, type Clock, type EventSource, type Service } from '@cidadao/contracts'
import { EngineFullError, StepFencedError } from '../errors.ts'
import type { EngineEvents, ExecutionEngine, NewRun } from './execution-engine.ts'
import { RunDriver } from './run-driver.ts'
import type { RunStore } from './run-store.ts'
import type { StepMemory, StepRunner } from './step-runner.ts'

export interface InlineEngineOptions {
  readonly store: RunStore
  readonly runner: StepRunner
  readonly memory: StepMemory
  readonly clock: Clock
  /** Runs carried out at the same time. @default 4 */
  readonly maxRunning?: number
  /** Runs that may wait for their turn; more are refused. @default 1_000 */
  readonly maxWaiting?: number
  /** How often a stalled run is taken up again before this process gives it up. @default 5 */
  readonly maxStalls?: number
}

const FIRST_RETRY_MS = 250
const LONGEST_RETRY_MS = 10_000
const POLL_MS = 250
const RECOVERY_BATCH = 1_000

/** A run in this process's hands. */
class Carried {
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers<void>()
  driver: RunDriver | undefined
  cancelRequested = false

  constructor() {
    // Often nobody waits; whoever does still sees the failure.
    this.done.promise.catch(() => {})
  }
}

/**
 * Carries out runs inside this process, with all state in the store. A process that dies loses no run: `recover` in a
 * later one goes on with the first step that has not ended. One process at a time should recover; two that carry out
 * the same run are kept apart by the numbers of the attempts, at the price of a step done twice.
 */
export class InlineEngine implements ExecutionEngine {
  readonly name = 'engine'
  readonly #options: InlineEngineOptions
  readonly #events = new TypedEvents<EngineEvents>()
  readonly #carried = new Map<string, Carried>()
  readonly #waiting: (() => void)[] = []
  readonly #service: Service
  #running = 0
  #stopping = new AbortController()

  constructor(options: InlineEngineOptions) {
    this.#options = options
    this.#service = defineService({
      name: this.name,
      start: async () => {
        this.#stopping = new AbortController()
      },
      stop: () => this.#stop(),
    })
  }

  get events(): EventSource<EngineEvents> {
    return this.#events
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#service.start(signal)
  }

  stop(): Promise<void> {
    return this.#service.stop()
  }

  stats(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length }
  }

  async submit(run: NewRun): Promise<void> {
    const maxWaiting = this.#options.maxWaiting ?? 1_000
    if (this.#waiting.length >= maxWaiting) {
      throw new EngineFullError(`${this.#waiting.length} investigations wait already, the most allowed; try again later`, {
        facts: { maxWaiting },
      })
    }
    await this.#options.store.create(run, this.#options.runner.agentVersions)
    this.#events.emit('run-submitted', { id: run.id, steps: run.plan.steps.map(({ id }) => id) })
    this.#carry(run.id)
  }

  async cancel(id: string): Promise<'requested' | 'ended' | 'unknown'> {
    const carried = this.#carried.get(id)
    if (carried !== undefined) {
      carried.cancelRequested = true
      carried.driver?.cancel()
      return 'requested'
    }
    const run = await this.#options.store.load(id)
    return run?.ended === true ? 'ended' : 'unknown'
  }

  async settled(id: string, signal?: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(toError(signal?.reason))
    signal?.throwIfAborted()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#carried.get(id)?.done.promise, aborted.promise])
      // Somebody else may carry it out: another process, or one that fenced this one off.
      for (;;) {
        const run = await this.#options.store.load(id)
        if (run === undefined || run.ended) return
        await Promise.race([delay(this.#options.clock, POLL_MS, signal), aborted.promise])
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      aborted.promise.catch(() => {})
    }
  }

  async recover(): Promise<number> {
    const ids = await this.#options.store.unended(RECOVERY_BATCH)
    const left = ids.filter((id) => !this.#carried.has(id))
    for (const id of left) this.#carry(id)
    return left.length
  }

  #carry(id: string): void {
    const carried = new Carried()
    this.#carried.set(id, carried)
    this.#inTurn(() => this.#driveToTheEnd(id, carried))
      .then(carried.done.resolve, (thrown: unknown) => {
        this.#events.emit('run-abandoned', { id, error: toError(thrown) })
        carried.done.reject(thrown)
      })
      .finally(() => this.#carried.delete(id))
  }

  /** At most `maxRunning` at once, in order of arrival. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#running >= (this.#options.maxRunning ?? 4)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running++
    try {
      this.#stopping.signal.throwIfAborted()
      await work()
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #driveToTheEnd(id: string, carried: Carried): Promise<void> {
    const maxStalls = this.#options.maxStalls ?? 5
    for (let stalls = 0; ; stalls++) {
      try {
        await this.#drive(id, carried)
        return
      } catch (thrown) {
        const error = toError(thrown)
        if (this.#stopping.signal.aborted || stalls >= maxStalls) throw error
        // Fenced off: somebody else carries the run out; `settled` watches the store.
        if (error instanceof StepFencedError) return
        const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** stalls, LONGEST_RETRY_MS)
        this.#events.emit('run-stalled', { id, error, retryInMs })
        await delay(this.#options.clock, retryInMs, this.#stopping.signal)
      }
    }
  }

  async #drive(id: string, carried: Carried): Promise<void> {
    const run = await this.#options.store.load(id)
    if (run === undefined || run.ended) return
    const driver = new RunDriver(run, { ...this.#options, events: this.#events })
    carried.driver = driver
    const onStop = (): void => driver.stop(toError(this.#stopping.signal.reason))
    this.#stopping.signal.addEventListener('abort', onStop, { once: true })
    try {
      const driven = driver.drive()
      if (carried.cancelRequested) driver.cancel()
      await driven
    } finally {
      carried.driver = undefined
      this.#stopping.signal.removeEventListener('abort', onStop)
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new Error('the engine is stopping; the run is taken up again at the next start'))
    for (const resume of this.#waiting.splice(0)) resume()
    await Promise.allSettled([...this.#carried.values()].map(({ done }) => done.promise))
  }
}
