import type { EventSource, SchemaOutput, Service } from '@cidadao/contracts'
import type { AgentDefinition, SchemaInput } from './agent.ts'
import { resolveAgentPoolOptions, type AgentPoolOptions } from './agent-pool-options.ts'
import type { DrainReport } from './drain.ts'
import type { AgentPoolEvents } from './events.ts'
import type { PoolHealth } from './pool-health.ts'
import type { AgentSummary, PoolStats } from './pool-stats.ts'
import type { RunOptions } from './run-options.ts'
import { SupervisedPool } from './supervised-pool.ts'

/** Names of agents, and what each takes and gives. */
export type AgentCatalog = Readonly<Record<string, { readonly input: unknown; readonly output: unknown }>>

/** The catalog of a list of definitions: makes `run` know the types of each agent by its name. */
export type CatalogOf<Agents extends readonly AgentDefinition[]> = {
  readonly [Agent in Agents[number] as Agent['name']]: {
    readonly input: SchemaInput<Agent['input']>
    readonly output: SchemaOutput<Agent['output']>
  }
}

export interface DrainOptions {
  /** How long runs may go on, in milliseconds. @default the pool's `stopDeadlineMs` */
  readonly deadlineMs?: number
}

/**
 * A bounded, supervised pool of agents. It is a service: `start()` resolves when every worker is warm and every agent set
 * up, `stop()` drains and resolves when no worker is left.
 */
export interface AgentPool<Catalog extends AgentCatalog = AgentCatalog> extends Service, EventSource<AgentPoolEvents> {
  /**
   * Runs an agent: waits for a slot, then for its result. Rejects with one of the errors of this package, each with a
   * stable `code`, and only when nothing of the run is going on any more: a run that is told to stop has
   * `cancelGraceMs` to do so, then its worker is killed. (An inline agent that ignores its signal cannot be killed; it
   * is abandoned, and counted.)
   */
  run<Name extends keyof Catalog & string>(
    agent: Name,
    input: Catalog[Name]['input'],
    options?: RunOptions,
  ): Promise<Catalog[Name]['output']>
  /**
   * How many runs of the agent may be fetched: those that would begin at once, and those for which a worker would be
   * started. (Were the latter left out, who fetches by capacity alone would never give a pool at rest a reason to
   * grow.) Throws on an unknown agent.
   */
  capacity(agent: keyof Catalog & string): number
  stats(): PoolStats
  /** Whether all is well, and what is not; answers at once, from what is known. */
  health(): PoolHealth
  agents(): readonly AgentSummary[]
  /**
   * Takes no new runs and lets the waiting and running ones finish until the deadline; the others are handed back, here
   * with their inputs and to their callers as `AGENT_POOL_HANDED_BACK`. Workers stay until `stop()`.
   */
  drain(options?: DrainOptions): Promise<DrainReport>
}

/** Builds a pool; nothing runs before `start()`. Throws `AGENT_POOL_OPTIONS_INVALID`. */
export function createAgentPool<const Agents extends readonly AgentDefinition[]>(
  options: AgentPoolOptions<Agents>,
): AgentPool<CatalogOf<Agents>> {
  const pool: AgentPool = new SupervisedPool(resolveAgentPoolOptions(options))
  // The catalog exists for the compiler only; what it promises, the schemas check at run time.
  return pool as AgentPool<CatalogOf<Agents>>
}
