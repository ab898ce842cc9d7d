import type { Cache, CacheNamespace } from '@cidadao/cache'
import { definePolicy } from '@cidadao/cache'
import type { JsonValue } from '@cidadao/contracts'
import type { StepMemory } from './step-runner.ts'

/** What the memory needs of the cache. */
export type StepCache = Pick<Cache, 'namespace'>

/** Results of deterministic agents, kept as long as reference data: they only change with their inputs, which are the key. */
export class CachedStepMemory implements StepMemory {
  readonly #results: CacheNamespace<JsonValue>

  constructor(cache: StepCache, options: { readonly ttlMs: number }) {
    this.#results = cache.namespace(definePolicy<JsonValue>({ name: 'step_results', ttlMs: options.ttlMs }))
  }

  /** An outage of the cache is its own event and metric; here it only means that the agent runs. */
  async recall(inputHash: string): Promise<JsonValue | undefined> {
    const lookup = await this.#results.get(inputHash)
    return lookup.outcome === 'hit' ? lookup.value : undefined
  }

  async remember(inputHash: string, result: JsonValue): Promise<void> {
    await this.#results.set(inputHash, result)
  }
}
