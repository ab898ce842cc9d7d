import { isDeepStrictEqual } from 'node:util'
import { toError } from '@cidadao/contracts'
import type { Engine, NamespaceContext } from '../engine/engine.ts'
import { runFactory, type Factory } from '../engine/factory-run.ts'
import type { Lookup } from '../lookup.ts'

type Hit = Extract<Lookup<unknown>, { outcome: 'hit' }>

/** Where a check is under way. */
const checking = new WeakSet<NamespaceContext>()

/**
 * Compares a part of the hits with what their origin says now, in the background: the factory that was not needed runs
 * after all. Tells how stale what is served really is. One check a namespace at a time, so that a slow origin is not
 * asked more than it can bear. Its result is stored nowhere.
 */
export function checkSometimes(engine: Engine, context: NamespaceContext, hit: Hit, factory: Factory<unknown>): void {
  if (checking.has(context) || engine.random() >= context.policy.checkFraction) return
  checking.add(context)
  engine.inBackground(check(engine, context, hit, factory).finally(() => checking.delete(context)))
}

async function check(engine: Engine, { counters, policy }: NamespaceContext, hit: Hit, factory: Factory<unknown>): Promise<void> {
  const { clock } = engine
  const tell = (outcome: 'same' | 'stale' | 'failed'): void =>
    engine.events.emit('check', { namespace: policy.name, tier: hit.tier, outcome, ageMs: hit.ageMs })
  try {
    const signal = new AbortController().signal
    const { value } = await runFactory({ clock, factory, stale: undefined, timeoutMs: policy.factoryTimeoutMs, signal })
    counters.checks++
    const same = isDeepStrictEqual(value, hit.value)
    if (!same) counters.staleChecks++
    tell(same ? 'same' : 'stale')
  } catch (thrown) {
    tell('failed')
    engine.events.emit('error', { operation: 'check', error: toError(thrown), namespace: policy.name })
  }
}
