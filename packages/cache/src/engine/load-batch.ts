import type { Clock, Timer } from '@cidadao/contracts'
import type { FactoryContext } from './factory-run.ts'

/** Loads what is in no tier and what nobody else is loading; keys it does not return are taken to be absent. */
export type BatchLoader<T> = (
  keys: readonly string[],
  context: { readonly signal: AbortSignal },
) => Promise<ReadonlyMap<string, T | Error>> | ReadonlyMap<string, T | Error>

interface Wanted<T> {
  readonly key: string
  readonly signal: AbortSignal
  readonly resolve: (value: T | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Longest wait of the first key for the others', whose tiers may be slower to answer, in milliseconds. */
const GATHER_MS = 10

/**
 * Turns the factories of several keys into one run of a loader. It begins when each key is decided (found, loaded by
 * somebody else, or wanted), or a little after the first is wanted: who waits for another process must not keep the
 * rest from loading. What is wanted later is loaded by a further run.
 */
export class LoadBatch<T> {
  readonly #clock: Clock
  readonly #load: BatchLoader<T>
  readonly #undecided: Set<string>
  #wanted: Wanted<T>[] = []
  #timer: Timer | undefined

  constructor(clock: Clock, load: BatchLoader<T>, keys: readonly string[]) {
    this.#clock = clock
    this.#load = load
    this.#undecided = new Set(keys)
  }

  /** The factory of one key. */
  want(key: string, { signal }: FactoryContext<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // What the loader does not return is `undefined`, which the policy allows or refuses as from any factory.
      this.#wanted.push({ key, signal, resolve: resolve as Wanted<T>['resolve'], reject })
      this.#timer ??= this.#clock.schedule(GATHER_MS, () => this.#begin(), { keepAlive: true })
      this.decide(key)
    })
  }

  /** One key fewer to wait for. */
  decide(key: string): void {
    this.#undecided.delete(key)
    if (this.#undecided.size === 0) this.#begin()
  }

  #begin(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const wanted = this.#wanted
    if (wanted.length === 0) return
    this.#wanted = []
    void this.#run(wanted)
  }

  async #run(wanted: readonly Wanted<T>[]): Promise<void> {
    try {
      const keys = wanted.map(({ key }) => key)
      const loaded = await this.#load(keys, { signal: allOf(wanted.map(({ signal }) => signal)) })
      for (const { key, resolve, reject } of wanted) {
        const value = loaded.get(key)
        if (value instanceof Error) reject(value)
        else resolve(value)
      }
    } catch (thrown) {
      for (const { reject } of wanted) reject(thrown)
    }
  }
}

/** Aborts when all of them have: as long as one key is waited for, its load goes on. */
function allOf(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  let left = signals.length
  const onAbort = (event: Event): void => {
    if (--left === 0) controller.abort((event.target as AbortSignal).reason)
  }
  for (const signal of signals) {
    if (signal.aborted) left--
    else signal.addEventListener('abort', onAbort, { once: true })
  }
  if (left === 0) controller.abort(signals[0]?.reason)
  return controller.signal
}
