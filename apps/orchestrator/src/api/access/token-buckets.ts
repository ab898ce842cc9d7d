import type { Clock } from '@cidadao/contracts'

export interface TokenBucketOptions {
  readonly perSecond: number
  /** What may be taken at once after a rest. */
  readonly burst: number
  /** Of how many callers is known what they took; then the one seen least recently is forgotten. */
  readonly maxCallers: number
  readonly clock: Clock
}

export type Taken = { readonly outcome: 'granted' } | { readonly outcome: 'refused'; readonly retryInMs: number }

interface Bucket {
  tokens: number
  atMs: number
}

const GRANTED: Taken = { outcome: 'granted' }

/** A token bucket for each caller. */
export class TokenBuckets {
  readonly #options: TokenBucketOptions
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: TokenBucketOptions) {
    this.#options = options
  }

  take(caller: string): Taken {
    const { perSecond, burst, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const bucket = this.#buckets.get(caller) ?? { tokens: burst, atMs: nowMs }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / MS_PER_SECOND) * perSecond)
    bucket.atMs = nowMs
    this.#keep(caller, bucket)
    if (bucket.tokens < 1) return { outcome: 'refused', retryInMs: Math.ceil(((1 - bucket.tokens) / perSecond) * MS_PER_SECOND) }
    bucket.tokens -= 1
    return GRANTED
  }

  #keep(caller: string, bucket: Bucket): void {
    // Put at the end again, so that the first is the one seen least recently.
    this.#buckets.delete(caller)
    this.#buckets.set(caller, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > this.#options.maxCallers && oldest !== undefined) this.#buckets.delete(oldest)
  }
}

const MS_PER_SECOND = 1_000
