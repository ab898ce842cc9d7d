import { delay, type Timer } from '@cidadao/contracts'
import type { TierKey } from '../key.ts'
import type { GuardedTier } from '../tiers/guarded-tier.ts'
import type { LeaseRequest } from '../tiers/tier.ts'
import type { Engine, NamespaceContext } from './engine.ts'

const FIRST_POLL_MS = 10
const LONGEST_POLL_MS = 250
const POLL_GROWTH = 1.5
/** Renewed that many times within its length, so that one renewal may be lost. */
const RENEWALS = 3

/** Waits for what another process is producing, asking again at growing intervals, and no longer than the policy says. */
export class LeaseWait {
  readonly #engine: Engine
  readonly #untilMs: number
  #pollMs = FIRST_POLL_MS

  constructor(engine: Engine, context: NamespaceContext) {
    this.#engine = engine
    this.#untilMs = engine.clock.monotonicMs() + context.policy.leaseWaitMs
  }

  /** Resolves to false when the wait is over; rejects when nobody waits for this any more. */
  async pause(leaseLeftMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#engine
    const leftMs = this.#untilMs - clock.monotonicMs()
    if (leftMs <= 0) return false
    // Not past the end of the lease: then it is free to be taken. At random, so that waiters do not come in step.
    const waitMs = Math.min(this.#pollMs * (0.5 + random()), leftMs, Math.max(1, leaseLeftMs))
    this.#pollMs = Math.min(this.#pollMs * POLL_GROWTH, LONGEST_POLL_MS)
    await delay(clock, waitMs, signal)
    return true
  }
}

/**
 * One token a key and process: a run that begins when an invalidation has detached an earlier one need not wait for it,
 * and what the earlier one gives back it does not lose.
 */
export class LeaseTokens {
  readonly #newToken: () => string
  readonly #tokens = new Map<string, { readonly token: string; users: number }>()

  constructor(newToken: () => string) {
    this.#newToken = newToken
  }

  enter(key: TierKey): string {
    const entry = this.#tokens.get(key.id) ?? { token: this.#newToken(), users: 0 }
    entry.users++
    this.#tokens.set(key.id, entry)
    return entry.token
  }

  leave(key: TierKey): void {
    const entry = this.#tokens.get(key.id)
    if (entry !== undefined && --entry.users === 0) this.#tokens.delete(key.id)
  }

  isShared(key: TierKey): boolean {
    return (this.#tokens.get(key.id)?.users ?? 0) > 1
  }
}

/**
 * A lease that this process holds. It is renewed until it is given back: by `release`, or by the fill that makes it
 * pointless. A process that dies leaves it to run out.
 */
export class HeldLease {
  readonly #engine: Engine
  readonly #tier: GuardedTier
  readonly #key: TierKey
  readonly #request: LeaseRequest
  #renewal: Timer | undefined
  #ended = false

  constructor(engine: Engine, parts: { readonly tier: GuardedTier; readonly key: TierKey; readonly request: LeaseRequest }) {
    this.#engine = engine
    this.#tier = parts.tier
    this.#key = parts.key
    this.#request = parts.request
    this.#schedule()
  }

  /** Nobody waits for it: a lease that could not be given back runs out. */
  release(): void {
    if (this.#ended) return
    this.#end()
    if (this.#engine.leaseTokens.isShared(this.#key)) return
    this.#engine.inBackground(this.#tier.coordination.release(this.#key, this.#request.token))
  }

  /** A fill has ended it in most tiers already. */
  filled(): void {
    if (this.#tier.coordination.leaseOutlastsFill) this.release()
    else this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#renewal?.cancel()
  }

  #schedule(): void {
    if (this.#ended) return
    this.#renewal = this.#engine.clock.schedule(this.#request.leaseMs / RENEWALS, () => this.#engine.inBackground(this.#renew()))
  }

  async #renew(): Promise<void> {
    const attempt = await this.#tier.coordination.renew(this.#key, this.#request)
    // Lost to a delete, or to another who found it run out: what is produced is still this process' own to hand out.
    if (!attempt.ok || attempt.value) this.#schedule()
  }
}
