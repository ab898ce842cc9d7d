import type { AgentPool } from '@cidadao/agent-pool'
import { hasCode, InfraError, toError, type JsonValue } from '@cidadao/contracts'
import { AgentsUnavailableError } from '../errors.ts'
import type { StepRunner, StepWork } from './step-runner.ts'

/** What the runner needs of the agent pool. */
export type StepPool = Pick<AgentPool, 'run' | 'agents'>

/** The pool had no room, or is being stopped. It says nothing about the step, which must not fail for it. */
const REFUSALS: ReadonlySet<string> = new Set([
  'AGENT_POOL_QUEUE_FULL',
  'AGENT_POOL_QUEUE_TIMEOUT',
  'AGENT_POOL_CIRCUIT_OPEN',
  'AGENT_POOL_NOT_RUNNING',
  'AGENT_POOL_DRAINING',
  'AGENT_POOL_HANDED_BACK',
])

/** Runs steps in the agent pool. */
export class PoolStepRunner implements StepRunner {
  readonly agentVersions: ReadonlyMap<string, string>
  readonly #pool: StepPool
  readonly #deterministic: ReadonlySet<string>

  constructor(pool: StepPool) {
    this.#pool = pool
    const agents = pool.agents()
    this.agentVersions = new Map(agents.map(({ name, version }) => [name, version]))
    this.#deterministic = new Set(agents.filter(({ deterministic }) => deterministic).map(({ name }) => name))
  }

  isDeterministic(agent: string): boolean {
    return this.#deterministic.has(agent)
  }

  async run({ agent, inputs, timeoutMs, signal, onProgress }: StepWork): Promise<JsonValue> {
    try {
      // The pool checks input and output against the agent's schemas, which describe JSON.
      return (await this.#pool.run(agent, inputs, { timeoutMs, signal, onProgress })) as JsonValue
    } catch (thrown) {
      throw translate(toError(thrown), agent)
    }
  }
}

function translate(error: Error, agent: string): Error {
  if (error instanceof InfraError && REFUSALS.has(error.code)) {
    return new AgentsUnavailableError(`agent "${agent}" cannot work now: ${error.message}`, { cause: error, facts: { agent } })
  }
  // What an agent throws on purpose has its own code and message; the pool's wrapping around it says nothing more.
  return hasCode(error, 'AGENT_POOL_AGENT_FAILED') && error.cause instanceof InfraError ? error.cause : error
}
