import { defineService, delay, toError, TypedEvents, type EventSource, type Service } from '@cidadao/contracts'
import { AgentsUnavailableError, EngineFullError, EngineStoppingError, RunFencedError } from '../errors.ts'
import type { EngineEvents, ExecutionEngine, NewRun } from './execution-engine.ts'
import { requireInlinePlan } from './inline-engine-limits.ts'
import { resolveEngineOptions, type InlineEngineOptions, type ResolvedEngineOptions } from './inline-engine-options.ts'
import { RunDriver } from './run-driver.ts'
import type { CancelOutcome } from './run-store.ts'
import { Turns } from './turns.ts'

const POLL_MS = 250
const RECOVERY_BATCH = 10_000

/** A run in this process's hands. */
class Carried {
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers<void>()
  /** Aborted when the run need not wait for its turn: it is to be cancelled, or left. */
  readonly hurry = new AbortController()
  driver: RunDriver | undefined
  cancelRequested = false

  constructor() {
    // Often nobody waits; whoever does still sees the failure.
    this.done.promise.catch(() => {})
  }

  cancel(): void {
    this.cancelRequested = true
    this.hurry.abort()
    this.driver?.cancel()
  }
}

/**
 * Carries out runs inside this process, with all state in the store. A process that dies loses no run: `recover` in a
 * later one goes on with the first step that has not ended. Whoever takes up a run last holds it; an earlier holder is
 * fenced off at its next write, so that of two processes with the same run one gets it done.
 */
export class InlineEngine implements ExecutionEngine {
  readonly name = 'engine'
  readonly #options: ResolvedEngineOptions
  readonly #events = new TypedEvents<EngineEvents>()
  readonly #carried = new Map<string, Carried>()
  readonly #turns: Turns
  readonly #service: Service
  #stopping = new AbortController()

  constructor(options: InlineEngineOptions) {
    this.#options = resolveEngineOptions(options)
    this.#turns = new Turns(this.#options.maxRunning)
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
    return { running: this.#turns.taken, waiting: this.#turns.waiting }
  }

  async submit(run: NewRun): Promise<void> {
    this.#stopping.signal.throwIfAborted()
    requireInlinePlan(run.plan)
    const { maxRunning, maxWaiting, store, runner } = this.#options
    if (this.#carried.size >= maxRunning + maxWaiting) {
      throw new EngineFullError(`${this.#carried.size} investigations are open already, the most allowed; try again later`, {
        facts: { maxRunning, maxWaiting },
      })
    }
    // Its place is taken before anything is awaited: neither others that submit nor `recover` may take it too.
    const carried = new Carried()
    this.#carried.set(run.id, carried)
    try {
      await store.create(run, runner.agentVersions)
    } catch (thrown) {
      this.#carried.delete(run.id)
      carried.done.reject(thrown)
      throw thrown
    }
    this.#events.emit('run-submitted', { id: run.id, steps: run.plan.steps.map(({ id }) => id) })
    this.#carry(run.id, carried)
  }

  async cancel(id: string): Promise<CancelOutcome> {
    if (this.#carried.get(id)?.cancelRequested === true) return 'requested'
    const outcome = await this.#options.store.requestCancel(id)
    if (outcome !== 'requested') return outcome
    // Where nobody here has it, it waits for a process that may never come: it is taken up to be ended.
    const carried = this.#carried.get(id) ?? this.#carry(id)
    carried.cancel()
    return 'requested'
  }

  async settled(id: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(toError(signal?.reason))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#carried.get(id)?.done.promise, aborted.promise])
      // Somebody else may carry it out: another process, or one that fenced this one off.
      for (;;) {
        const run = await this.#options.store.load(id)
        if (run === undefined || run.ended) return
        await delay(this.#options.clock, POLL_MS, signal)
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async recover(): Promise<number> {
    this.#stopping.signal.throwIfAborted()
    const ids = await this.#options.store.unended(RECOVERY_BATCH)
    const left = ids.filter((id) => !this.#carried.has(id))
    for (const id of left) this.#carry(id)
    return left.length
  }

  #carry(id: string, carried: Carried = new Carried()): Carried {
    this.#carried.set(id, carried)
    this.#inTurn(id, carried)
      .then(carried.done.resolve, (thrown: unknown) => {
        this.#events.emit('run-abandoned', { id, error: toError(thrown) })
        carried.done.reject(thrown)
      })
      .finally(() => this.#carried.delete(id))
    return carried
  }

  async #inTurn(id: string, carried: Carried): Promise<void> {
    const giveBack = await this.#turns.take(carried.hurry.signal)
    try {
      await this.#driveToTheEnd(id, carried)
    } finally {
      giveBack()
    }
  }

  async #driveToTheEnd(id: string, carried: Carried): Promise<void> {
    const { clock, maxStalls, runTimeoutMs, firstRetryMs, longestRetryMs } = this.#options
    const deadlineMs = clock.monotonicMs() + runTimeoutMs
    for (let pauses = 0, failures = 0; ; pauses++) {
      this.#stopping.signal.throwIfAborted()
      const progress = { made: false }
      try {
        await this.#drive(id, carried, { deadlineMs, progress })
        return
      } catch (thrown) {
        const error = toError(thrown)
        // Somebody else carries the run out; `settled` watches the store.
        if (error instanceof RunFencedError) return
        if (progress.made) pauses = failures = 0
        if (!this.#passes(error)) failures++
        if (this.#stopping.signal.aborted || failures > maxStalls) throw error
        const retryInMs = Math.min(firstRetryMs * 2 ** pauses, longestRetryMs)
        this.#events.emit('run-stalled', { id, error, retryInMs })
        await delay(clock, retryInMs, this.#stopping.signal)
      }
    }
  }

  /** An outage is waited out, however long: giving the run up would not bring the store or the agents back. */
  #passes(error: Error): boolean {
    return error instanceof AgentsUnavailableError || this.#options.store.isOutage(error)
  }

  async #drive(
    id: string,
    carried: Carried,
    { deadlineMs, progress }: { readonly deadlineMs: number; readonly progress: { made: boolean } },
  ): Promise<void> {
    const { store } = this.#options
    // First the lease, then the look: what is read before could be changed by whoever held it until then.
    const lease = await store.begin(id)
    const run = await store.load(id)
    if (run === undefined || run.ended) return
    this.#stopping.signal.throwIfAborted()
    const driver = new RunDriver({ run, lease }, { ...this.#options, events: this.#events, deadlineMs })
    carried.driver = driver
    const onStop = (): void => driver.stop(toError(this.#stopping.signal.reason))
    this.#stopping.signal.addEventListener('abort', onStop, { once: true })
    try {
      const driven = driver.drive()
      if (carried.cancelRequested) driver.cancel()
      await driven
    } finally {
      progress.made = driver.progressed
      carried.driver = undefined
      this.#stopping.signal.removeEventListener('abort', onStop)
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new EngineStoppingError('the engine is stopping; open investigations are taken up again at the next start'))
    const carried = [...this.#carried.values()]
    for (const { hurry } of carried) hurry.abort()
    await Promise.allSettled(carried.map(({ done }) => done.promise))
  }
}
