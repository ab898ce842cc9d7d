import type { Ticket } from '../concurrency/local-fence.ts'
import type { TierKey } from '../key.ts'
import type { Engine, NamespaceContext } from './engine.ts'

/**
 * What was known when the production of a value began, by a factory, a caller or a read of a shared tier. Taken before
 * anything that the value depends on is read: whatever is invalidated later has a higher place and so makes it invalid.
 */
export interface Moment {
  /** For entries of memory. */
  readonly tick: number
  /** For entries of shared tiers. */
  readonly sequence: number
  readonly beganAtMs: number
}

/** A production that takes time and may be overtaken. */
export interface Production extends Moment {
  readonly ticket: Ticket
}

export function momentOf(engine: Engine, { clock }: NamespaceContext): Moment {
  return { tick: clock.tick, sequence: clock.sequence, beganAtMs: engine.clock.monotonicMs() }
}

/** How long memory may believe what was produced, without the shared clock's word. */
export function vouchedUntil(engine: Engine, { beganAtMs }: Moment): number {
  return beganAtMs + engine.verifyWithinMs
}

/** As {@link vouchedUntil}, of what a shared tier held: where the clock had to be asked, its word is all there is. */
export function foundVouchedUntil(engine: Engine, moment: Moment, { judged }: { readonly judged: boolean }): number {
  return judged ? Number.NEGATIVE_INFINITY : vouchedUntil(engine, moment)
}

export function beginProduction(engine: Engine, context: NamespaceContext, key: TierKey): Production {
  return { ...momentOf(engine, context), ticket: engine.fence.issue(key) }
}

export function endProduction(engine: Engine, production: Production): void {
  engine.fence.release(production.ticket)
}
