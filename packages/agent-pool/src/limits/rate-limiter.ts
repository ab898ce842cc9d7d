import { delay, toError, type Clock } from '@cidadao/contracts'
import { AgentPoolOptionsError } from '../errors.ts'
import { memoryRateLimitStore, type RateLimit, type RateLimitStore } from './rate-limit.ts'

export interface RateLimiterOptions {
  /** By upstream. */
  readonly limits: Readonly<Record<string, RateLimit>>
  /** Undefined: the buckets are in this process. */
  readonly store: RateLimitStore | undefined
  readonly clock: Clock
  /** The shared store did not answer; this process goes by a bucket of its own meanwhile. */
  onStoreFailed(upstream: string, error: Error): void
}

/**
 * Makes agents wait until they may call an upstream. Those of this process that wait for the same upstream are served
 * in the order in which they came: one that wants much is not overtaken for ever by those that want little.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions
  readonly #local: RateLimitStore
  /** The end of the line of each upstream. */
  readonly #lines = new Map<string, Promise<void>>()

  constructor(options: RateLimiterOptions) {
    this.#options = options
    this.#local = memoryRateLimitStore(options.clock)
  }

  /** Resolves when `tokens` were taken; rejects with the signal's reason where that aborts first. */
  async acquire(upstream: string, tokens: number, signal: AbortSignal): Promise<void> {
    const limit = this.#options.limits[upstream]
    if (limit === undefined) throw new AgentPoolOptionsError('upstream', 'must be one of the pool’s rateLimits', upstream)
    if (!(Number.isSafeInteger(tokens) && tokens >= 1 && tokens <= limit.burst)) {
      throw new AgentPoolOptionsError('tokens', `must be a whole number from 1 to the burst of ${limit.burst}`, tokens)
    }
    const turn = this.#lineUp(upstream)
    try {
      await untilAborted(turn.before, signal)
      await this.#take(upstream, { limit, tokens, signal })
    } finally {
      turn.leave()
    }
  }

  #lineUp(upstream: string): { readonly before: Promise<void>; leave(): void } {
    const before = this.#lines.get(upstream) ?? Promise.resolve()
    const { promise: served, resolve: leave } = Promise.withResolvers<void>()
    // Who gives up while waiting leaves a gap that closes by itself: those behind wait for those before it too.
    this.#lines.set(
      upstream,
      before.then(() => served),
    )
    return { before, leave }
  }

  async #take(upstream: string, want: { readonly limit: RateLimit; readonly tokens: number; readonly signal: AbortSignal }): Promise<void> {
    for (;;) {
      want.signal.throwIfAborted()
      const decision = await this.#decide(upstream, want.limit, want.tokens)
      if (decision.granted) return
      await delay(this.#options.clock, decision.retryAfterMs, want.signal)
    }
  }

  async #decide(upstream: string, limit: RateLimit, tokens: number): ReturnType<RateLimitStore['take']> {
    const { store } = this.#options
    if (store !== undefined) {
      try {
        return await store.take(upstream, limit, tokens)
      } catch (thrown) {
        this.#options.onStoreFailed(upstream, toError(thrown))
      }
    }
    return this.#local.take(upstream, limit, tokens)
  }
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
