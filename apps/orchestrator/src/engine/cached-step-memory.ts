import type { Cache, CacheNamespace } from '@cidadao/cache'
import { definePolicy } from '@cidadao/cache'
import type { JsonValue, Logger } from '@cidadao/contracts'
import type { StepMemory } from './step-runner.ts'

/** What the memory needs of the cache. */
export type StepCache = Pick<Cache, 'namespace'>

/** Results of deterministic agents, kept as long as reference data: they only change with their inputs, which are the key. */
export class CachedStepMemory implements StepMemory {
  readonly #results: CacheNamespace<JsonValue>
  readonly #logger: Logger

  constructor(cache: StepCache, options: { readonly ttlMs: number; readonly logger: Logger }) {
    this.#results = cache.namespace(definePolicy<JsonValue>({ name: 'step_results', ttlMs: options.ttlMs }))
    this.#logger = options.logger
  }

  /** An outage of the cache is its own event and metric; here it only means that the agent runs. */
  async recall(inputHash: string): Promise<JsonValue | undefined> {
    try {
      const lookup = await this.#results.get(inputHash)
      return lookup.outcome === 'hit' ? lookup.value : undefined
    } catch (error) {
      this.#logger.warn('a step result could not be recalled', { inputHash, error })
      return undefined
    }
  }

  async remember(inputHash: string, result: JsonValue): Promise<void> {
    try {
      await this.#results.set(inputHash, result)
    } catch (error) {
      // A result that the cache refuses, being too large say, is a good result all the same.
      this.#logger.warn('a step result could not be remembered', { inputHash, error })
    }
  }
}
