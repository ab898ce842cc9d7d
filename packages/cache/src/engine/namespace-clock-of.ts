import { NamespaceClock, type ClockEffects } from '../consistency/namespace-clock.ts'
import type { ConsistencyTuning } from '../cache-options.ts'
import type { GuardedTier } from '../tiers/guarded-tier.ts'
import type { Engine } from './engine.ts'

export interface NamespaceClockOptions {
  readonly namespace: string
  readonly prefix: string
  readonly origin: string
  /** Nearest first: the first that has a clock is the one whose word counts. */
  readonly tiers: readonly GuardedTier[]
  readonly tuning: Required<ConsistencyTuning>
}

/** The clock of one namespace, acting on what the engine has of it. */
export function namespaceClock(engine: Engine, options: NamespaceClockOptions): NamespaceClock {
  const { prefix, origin, tiers, tuning } = options
  return new NamespaceClock({
    namespace: prefix,
    origin,
    time: engine.clock,
    source: tiers.find((tier) => tier.coordination.clock !== undefined)?.coordination.clock,
    verifyWithinMs: tuning.verifyWithinMs,
    maxMarks: tuning.maxTags,
    maxUnsent: tuning.maxUnsent,
    effects: effectsOn(engine, options),
  })
}

function effectsOn(engine: Engine, { namespace, prefix }: NamespaceClockOptions): ClockEffects {
  return {
    dropKeys: (keys) => {
      for (const name of keys) {
        const key = { namespace: prefix, id: `${prefix}/${name}` }
        engine.supersede(key)
        engine.local.delete(key)
      }
    },
    detachLoads: () => {
      engine.flights.detachNamespace(prefix)
      engine.reads.detachNamespace(prefix)
    },
    dropAll: () => {
      engine.supersedeNamespace(prefix)
      engine.local.clear(prefix)
    },
    resynced: (reason) => engine.events.emit('resync', { namespace, reason }),
  }
}
