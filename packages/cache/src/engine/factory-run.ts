import type { Clock } from '@cidadao/contracts'
import { CacheFactoryTimeoutError } from '../errors.ts'

/** What a factory may change about the storing of its own result. */
export interface Adaptation {
  readonly ttlMs?: number
  readonly graceMs?: number
  /** Besides the policy's and the call's. */
  readonly tags?: readonly string[]
  /** Names of the tiers that keep the result, of those that the policy uses. @default all of them */
  readonly tiers?: readonly string[]
  /** Hand the result to the callers, but store it nowhere. */
  readonly skip?: boolean
}

export interface FactoryContext<T> {
  /** Aborts when the last caller has left or the run takes too long. */
  readonly signal: AbortSignal
  /** The value that has expired, if there is one within its grace. */
  readonly stale: { readonly value: T; readonly ageMs: number } | undefined
  /** What to return when the origin says that `stale` is still right: it begins a new time to live. @throws {TypeError} without a stale value */
  notModified(): T
  /** May be called several times; later fields win. */
  adapt(change: Adaptation): void
}

/** Produces a value that is in no tier. */
export type Factory<T> = (context: FactoryContext<T>) => T | Promise<T>

export interface FactoryRun<T> {
  readonly clock: Clock
  readonly factory: Factory<T>
  readonly stale: { readonly value: T; readonly ageMs: number } | undefined
  readonly timeoutMs: number
  /** Of the flight: aborted when nobody waits any more. */
  readonly signal: AbortSignal
}

export interface Produced<T> {
  readonly value: T
  readonly adaptation: Adaptation
}

/** Runs a factory once, no longer than `timeoutMs`. Rejects with whatever it threw, or `CacheFactoryTimeoutError`. */
export async function runFactory<T>(run: FactoryRun<T>): Promise<Produced<T>> {
  const controller = new AbortController()
  const overdue = Promise.withResolvers<never>()
  const stop = (reason: unknown): void => {
    controller.abort(reason)
    overdue.reject(reason)
  }
  const onFlightAbort = (): void => stop(run.signal.reason)
  if (run.signal.aborted) throw run.signal.reason
  run.signal.addEventListener('abort', onFlightAbort, { once: true })
  const timer = run.clock.schedule(run.timeoutMs, () => stop(timeoutError(run.timeoutMs)), { keepAlive: true })
  let adaptation: Adaptation = {}
  const context: FactoryContext<T> = {
    signal: controller.signal,
    stale: run.stale,
    notModified: () => {
      if (run.stale === undefined) throw new TypeError('notModified() needs a stale value')
      return run.stale.value
    },
    adapt: (change) => {
      adaptation = { ...adaptation, ...change }
    },
  }
  try {
    const value = await Promise.race([invoke(run.factory, context), overdue.promise])
    return { value, adaptation }
  } finally {
    timer.cancel()
    run.signal.removeEventListener('abort', onFlightAbort)
  }
}

/** A factory that throws synchronously fails like one that rejects. */
async function invoke<T>(factory: Factory<T>, context: FactoryContext<T>): Promise<T> {
  return factory(context)
}

function timeoutError(timeoutMs: number): CacheFactoryTimeoutError {
  return new CacheFactoryTimeoutError(`the factory ran longer than ${timeoutMs} ms`, { facts: { timeoutMs } })
}
