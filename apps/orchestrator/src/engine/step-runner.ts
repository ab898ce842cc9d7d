import type { JsonValue } from '@cidadao/contracts'

export interface StepWork {
  readonly agent: string
  readonly inputs: Readonly<Record<string, JsonValue>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: JsonValue) => void
}

/** Does the work of steps: the agent pool, in production. */
export interface StepRunner {
  /**
   * @throws whatever the agent threw
   * @throws AgentsUnavailableError nothing was wrong with the step; it may be tried again
   */
  run(work: StepWork): Promise<JsonValue>
  /** Versions of the agents there are, by name. */
  readonly agentVersions: ReadonlyMap<string, string>
  /** Whether the same inputs always give the same result, so that it may be remembered. */
  isDeterministic(agent: string): boolean
}

/**
 * Remembers results of deterministic agents by the hash of their inputs. Losing one costs a run, nothing else, so neither
 * method ever rejects: what goes wrong is reported by the implementation's own events.
 */
export interface StepMemory {
  recall(inputHash: string): Promise<JsonValue | undefined>
  remember(inputHash: string, result: JsonValue): Promise<void>
}
