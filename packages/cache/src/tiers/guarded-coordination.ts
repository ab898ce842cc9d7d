import type { ClockSource } from '../consistency/clock-exchange.ts'
import type { CacheOperation } from '../events.ts'
import type { TierKey } from '../key.ts'
import type { Attempt } from './guarded-tier.ts'
import type { LeaseAnswer, LeaseRequest, Tier } from './tier.ts'

export type GuardedAttempt = <T>(operation: CacheOperation, run: () => Promise<T>) => Promise<Attempt<T>>

/** What processes agree on through a tier, under the tier's own budget and breaker: the order of invalidations and who produces what. */
export class GuardedCoordination {
  readonly leases: boolean
  /** A lease has to be given back after a fill, too. */
  readonly leaseOutlastsFill: boolean
  readonly clock: ClockSource | undefined
  readonly #tier: Tier
  readonly #attempt: GuardedAttempt

  constructor(tier: Tier, attempt: GuardedAttempt) {
    this.#tier = tier
    this.#attempt = attempt
    this.leases = tier.lease !== undefined
    this.leaseOutlastsFill = tier.lease?.outlastsFill === true
    this.clock = this.#clockOf(tier)
  }

  async acquire(key: TierKey, request: LeaseRequest): Promise<Attempt<LeaseAnswer | undefined>> {
    return this.#attempt('lease', async () => this.#tier.lease?.acquire(key, request))
  }

  async renew(key: TierKey, request: LeaseRequest): Promise<Attempt<boolean>> {
    return this.#attempt('lease', async () => this.#tier.lease?.renew(key, request) ?? false)
  }

  /** Not having reached the tier costs others a wait, until the lease runs out by itself. */
  async release(key: TierKey, token: string): Promise<Attempt<void>> {
    return this.#attempt('lease', async () => this.#tier.lease?.release(key, token))
  }

  #clockOf({ name, clock }: Tier): ClockSource | undefined {
    if (clock === undefined) return undefined
    return {
      name,
      advance: (request) => this.#attempt('invalidate', () => clock.advance(request)),
      readClock: (request) => this.#attempt('verify', () => clock.read(request)),
    }
  }
}
