import type { AgentPool } from '@cidadao/agent-pool'
import type { JsonValue } from '@cidadao/contracts'
import type { StepRunner, StepWork } from './step-runner.ts'

/** What the runner needs of the agent pool. */
export type StepPool = Pick<AgentPool, 'run' | 'agents'>

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
    // The pool checks input and output against the agent's schemas, which describe JSON.
    return (await this.#pool.run(agent, inputs, { timeoutMs, signal, onProgress })) as JsonValue
  }
}
