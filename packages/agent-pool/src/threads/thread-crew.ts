import { toError, type Clock, type Timer } from '@cidadao/contracts'
import { ExponentialBackoff } from 'cockatiel'
import { linkSignals } from '../link-signals.ts'
import type { AgentThread, ThreadDeath } from './agent-thread.ts'

export interface ThreadCrewOptions {
  readonly size: number
  /** 0 is never. */
  readonly recycleAfterRuns: number
  readonly clock: Clock
  /** Aborting `signal` gives up on the start. */
  spawn(signal: AbortSignal): Promise<AgentThread>
}

/** What the crew tells its owner. */
export interface ThreadCrewListener {
  /** A thread became free: a run may begin. */
  idle(): void
  started(threads: number): void
  died(thread: AgentThread, death: ThreadDeath): void
  recycled(runs: number): void
  startFailed(error: Error, retryMs: number): void
}

const RESTART_BACKOFF = { initialDelay: 250, maxDelay: 30_000 }
type Backoff = ReturnType<ExponentialBackoff<unknown>['next']>

/**
 * Keeps `size` threads alive, one for one. A thread that dies is replaced at once, for the run that killed it is gone;
 * only where the replacement does not come up are further tries spaced out, doubling with jitter. A thread due for
 * recycling serves on until its successor is warm.
 */
export class ThreadCrew {
  readonly #options: ThreadCrewOptions
  readonly #listener: ThreadCrewListener
  readonly #threads = new Set<AgentThread>()
  /** Last in, first out: a busy thread stays warm. */
  readonly #idle: AgentThread[] = []
  /** Threads due for recycling, and how far their successor is. */
  readonly #retiring = new Map<AgentThread, 'successor-starting' | 'successor-ready'>()
  readonly #retries = new Set<Timer>()
  readonly #pendingStarts = new Set<Promise<void>>()
  #stopping = new AbortController()

  constructor(options: ThreadCrewOptions, listener: ThreadCrewListener) {
    this.#options = options
    this.#listener = listener
  }

  /** Threads that are warm and will take further runs: not those whose successor has taken over. */
  get size(): number {
    return [...this.#threads].filter((thread) => this.#retiring.get(thread) !== 'successor-ready').length
  }

  /** How many threads there should be. */
  get target(): number {
    return this.#options.size
  }

  get idle(): number {
    return this.#idle.length
  }

  /** Resolves when every thread is warm; where one does not come up, the others are ended and it rejects. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#stopping = new AbortController()
    const link = linkSignals([signal])
    link.signal.addEventListener('abort', () => this.#stopping.abort(link.signal.reason))
    const outcomes = await Promise.allSettled(Array.from({ length: this.#options.size }, () => this.#spawn()))
    link.dispose()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed === undefined) return
    await this.stop()
    throw toError(failed.reason)
  }

  /** Ends every thread, whatever it does. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the threads are being stopped'))
    for (const timer of this.#retries) timer.cancel()
    this.#retries.clear()
    await Promise.all(this.#pendingStarts)
    await Promise.all([...this.#threads].map((thread) => thread.kill()))
  }

  acquire(): AgentThread | undefined {
    return this.#idle.pop()
  }

  /** Gives a thread back after its run, dead or alive. */
  release(thread: AgentThread): void {
    if (!this.#threads.has(thread)) return
    if (this.#retiring.get(thread) === 'successor-ready') return void thread.kill()
    this.#idle.push(thread)
    const limit = this.#options.recycleAfterRuns
    if (limit > 0 && thread.completedRuns >= limit && !this.#retiring.has(thread)) this.#replace(thread)
    this.#listener.idle()
  }

  async #spawn(): Promise<void> {
    const { signal } = this.#stopping
    const thread = await this.#options.spawn(signal)
    if (signal.aborted) return thread.kill()
    this.#threads.add(thread)
    void thread.died.then((death) => this.#onDeath(thread, death))
    this.#idle.push(thread)
    this.#listener.started(this.size)
    this.#listener.idle()
  }

  #onDeath(thread: AgentThread, death: ThreadDeath): void {
    this.#threads.delete(thread)
    this.#forgetIdle(thread)
    const retiring = this.#retiring.get(thread)
    this.#retiring.delete(thread)
    if (this.#stopping.signal.aborted || retiring === 'successor-ready') return
    this.#listener.died(thread, death)
    // The successor of a retiring thread is on its way: ordering another would be one too many.
    if (retiring === undefined) this.#respawn()
  }

  #replace(thread: AgentThread): void {
    this.#retiring.set(thread, 'successor-starting')
    this.#respawn(() => {
      if (!this.#retiring.has(thread)) return
      this.#retiring.set(thread, 'successor-ready')
      this.#listener.recycled(thread.completedRuns)
      if (this.#forgetIdle(thread)) void thread.kill()
    })
  }

  #respawn(onStarted: () => void = () => {}, backoff: Backoff = new ExponentialBackoff(RESTART_BACKOFF).next()): void {
    const attempt = this.#spawn()
      .then(onStarted, (thrown: unknown) => this.#retryLater(toError(thrown), onStarted, backoff))
      .finally(() => this.#pendingStarts.delete(attempt))
    this.#pendingStarts.add(attempt)
  }

  #retryLater(error: Error, onStarted: () => void, backoff: Backoff): void {
    if (this.#stopping.signal.aborted) return
    this.#listener.startFailed(error, backoff.duration)
    const timer = this.#options.clock.schedule(backoff.duration, () => {
      this.#retries.delete(timer)
      this.#respawn(onStarted, backoff.next(undefined))
    })
    this.#retries.add(timer)
  }

  #forgetIdle(thread: AgentThread): boolean {
    const at = this.#idle.indexOf(thread)
    if (at >= 0) this.#idle.splice(at, 1)
    return at >= 0
  }
}
