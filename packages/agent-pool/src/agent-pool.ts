import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { EventSource, SchemaOutput, Service } from '@cidadao/contracts'
import type { AgentDefinition, SchemaInput, ThreadAgent } from './agent.ts'
import { resolveAgentPoolOptions, type AgentPoolOptions, type ResolvedPoolOptions } from './agent-pool-options.ts'
import type { DrainReport } from './drain.ts'
import { AgentPoolStartError } from './errors.ts'
import type { AgentPoolEvents } from './events.ts'
import type { AgentSummary, PoolStats } from './pool-stats.ts'
import type { RunOptions } from './run-options.ts'
import { SupervisedPool } from './supervised-pool.ts'
import { AgentThread } from './threads/agent-thread.ts'
import type { ThreadCrewOptions } from './threads/thread-crew.ts'

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
 * A bounded, supervised pool of agents. It is a service: `start()` resolves when every thread is warm, `stop()` drains
 * and resolves when no thread is left.
 */
export interface AgentPool<Catalog extends AgentCatalog = AgentCatalog> extends Service, EventSource<AgentPoolEvents> {
  /**
   * Runs an agent: waits for a slot, then for its result. Rejects with one of the errors of this package, each with a
   * stable `code`, and only when nothing of the run is going on any more: a run that is told to stop has
   * `cancelGraceMs` to do so, then its thread is killed. (An inline agent that ignores its signal cannot be killed; it
   * is abandoned, and counted.)
   */
  run<Name extends keyof Catalog & string>(
    agent: Name,
    input: Catalog[Name]['input'],
    options?: RunOptions,
  ): Promise<Catalog[Name]['output']>
  /** How many runs of the agent would begin at once: what a worker may fetch. Throws on an unknown agent. */
  capacity(agent: keyof Catalog & string): number
  stats(): PoolStats
  agents(): readonly AgentSummary[]
  /**
   * Takes no new runs and lets the waiting and running ones finish until the deadline; the others are handed back, here
   * with their inputs and to their callers as `AGENT_POOL_HANDED_BACK`. Threads stay until `stop()`.
   */
  drain(options?: DrainOptions): Promise<DrainReport>
}

/** Builds a pool; nothing runs before `start()`. Throws `AGENT_POOL_OPTIONS_INVALID`. */
export function createAgentPool<const Agents extends readonly AgentDefinition[]>(
  options: AgentPoolOptions<Agents>,
): AgentPool<CatalogOf<Agents>> {
  const resolved = resolveAgentPoolOptions(options)
  const pool: AgentPool = new SupervisedPool(resolved, crewOptions(resolved))
  // The catalog exists for the compiler only; what it promises, the schemas check at run time.
  return pool as AgentPool<CatalogOf<Agents>>
}

function crewOptions(options: ResolvedPoolOptions): ThreadCrewOptions {
  const agents = options.agents
    .filter((agent): agent is ThreadAgent => agent.isolation === 'thread')
    .map(({ name, version, module, exportName }) => ({ name, version, module, exportName }))
  const { workerModule, threadMemoryMb, startTimeoutMs, recycleAfterRuns, clock, progressIntervalMs, progressMaxChars } = options
  const limits = { progressIntervalMs, progressMaxChars }
  return {
    size: agents.length === 0 ? 0 : options.threads,
    recycleAfterRuns,
    clock,
    spawn: async (signal) => {
      requireWorkerModule(workerModule)
      return AgentThread.start({ agents, workerModule, threadMemoryMb, startTimeoutMs, limits, clock, signal })
    },
  }
}

function requireWorkerModule(workerModule: URL): void {
  const path = fileURLToPath(workerModule)
  if (existsSync(path)) return
  throw new AgentPoolStartError(
    `no thread entry point at ${path}: an application that bundles this package builds a file of its own that ` +
      'exports "handle" from "@cidadao/agent-pool/worker" and names it as "workerModule"',
    { facts: { path } },
  )
}
