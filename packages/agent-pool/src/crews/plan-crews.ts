import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WorkerAgent } from '../agent.ts'
import { requireSupervision, requireWhole, type ResolvedPoolOptions } from '../agent-pool-options.ts'
import { AgentPoolOptionsError, AgentPoolStartError } from '../errors.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import { AgentWorker } from '../workers/agent-worker.ts'
import { ProcessTransport } from '../workers/process-transport.ts'
import { ThreadTransport } from '../workers/thread-transport.ts'
import type { WorkerTransport } from '../workers/transport.ts'
import type { WarmUpTask } from '../workers/wire.ts'
import type { CrewOptions } from './crew-options.ts'
import { ROUTER_STRATEGIES } from './routing.ts'
import type { WorkerPlan } from './worker-plan.ts'

/** A crew, and the agents that its workers carry. */
export interface PlannedCrew {
  readonly agents: readonly WorkerAgent[]
  readonly options: CrewOptions
}

/** Name of the crew that thread agents without workers of their own share. */
export const SHARED_CREW = 'threads'

/** Which crews a pool needs: one for the thread agents that share, and one for each agent that has workers to itself. */
export function planCrews(options: ResolvedPoolOptions, rateLimiter: RateLimiter): readonly PlannedCrew[] {
  const agents = options.agents.filter((agent): agent is WorkerAgent => agent.isolation !== 'inline')
  const sharing = agents.filter((agent) => agent.isolation === 'thread' && agent.workers === undefined)
  const alone = agents.filter((agent) => !sharing.includes(agent))
  const parts = { options, rateLimiter }
  const shared = { name: SHARED_CREW, isolation: 'thread', plan: { min: options.minThreads } } as const
  return [
    ...(sharing.length === 0 ? [] : [toCrew(parts, sharing, shared)]),
    ...alone.map((agent) => toCrew(parts, [agent], { name: agent.name, isolation: agent.isolation, plan: agent.workers ?? {} })),
  ]
}

interface PlanParts {
  readonly options: ResolvedPoolOptions
  readonly rateLimiter: RateLimiter
}

function toCrew(
  parts: PlanParts,
  agents: readonly WorkerAgent[],
  crew: { readonly name: string; readonly isolation: 'thread' | 'process'; readonly plan: WorkerPlan },
): PlannedCrew {
  const { options } = parts
  const { name, isolation, plan } = crew
  const [max, memoryMb] = [plan.max ?? options.threads, plan.memoryMb ?? options.threadMemoryMb]
  const min = plan.min ?? Math.min(1, max)
  const supervision = { ...options.supervision, ...plan.supervision }
  checkPlan(name, { min, max, memoryMb, route: plan.route ?? options.route })
  requireSupervision(`${name}.workers.supervision`, supervision)
  const { idleEvictMs, ...scaling } = options.scaling
  return {
    agents,
    options: {
      name,
      isolation,
      scaling: { ...scaling, min, max },
      idleEvictMs,
      supervision,
      recycling: { afterRuns: options.recycleAfterRuns, afterMs: options.recycleAfterMs, aboveMb: options.recycleAboveMb },
      intensity: options.crashIntensity,
      probeIntervalMs: options.probeIntervalMs,
      probeTimeoutMs: options.probeTimeoutMs,
      upkeepMs: options.upkeepMs,
      route: plan.route ?? options.route,
      clock: options.clock,
      random: options.random,
      spawn: (signal) => spawnWorker(parts, { agents, isolation, memoryMb, signal }),
    },
  }
}

function checkPlan(name: string, plan: Required<Pick<WorkerPlan, 'min' | 'max' | 'memoryMb' | 'route'>>): void {
  requireWhole(`${name}.workers.max`, plan.max, 1)
  requireWhole(`${name}.workers.min`, plan.min, 0)
  requireWhole(`${name}.workers.memoryMb`, plan.memoryMb, 16)
  if (plan.min > plan.max) throw new AgentPoolOptionsError(`${name}.workers.min`, `must be at most max, which is ${plan.max}`, plan.min)
  if (ROUTER_STRATEGIES.includes(plan.route)) return
  throw new AgentPoolOptionsError(`${name}.workers.route`, `must be one of ${ROUTER_STRATEGIES.join(', ')}`, plan.route)
}

interface SpawnParts {
  readonly agents: readonly WorkerAgent[]
  readonly isolation: 'thread' | 'process'
  readonly memoryMb: number
  readonly signal: AbortSignal
}

async function spawnWorker({ options, rateLimiter }: PlanParts, parts: SpawnParts): Promise<AgentWorker> {
  const { startTimeoutMs, clock, progressIntervalMs, progressMaxChars } = options
  const warmUp: WarmUpTask = {
    kind: 'warm-up',
    agents: parts.agents.map(({ name, version, module, exportName }) => ({ name, version, module, exportName })),
    limits: { progressIntervalMs, progressMaxChars },
    measuresMemory: options.recycleAboveMb > 0,
  }
  return AgentWorker.start(openTransport(options, parts), {
    warmUp,
    startTimeoutMs,
    closeTimeoutMs: options.cancelGraceMs,
    clock,
    signal: parts.signal,
    permit: (upstream, tokens, signal) => rateLimiter.acquire(upstream, tokens, signal),
  })
}

function openTransport({ workerModule, processModule, clock }: ResolvedPoolOptions, { isolation, memoryMb }: SpawnParts): WorkerTransport {
  requireEntryPoint(isolation === 'thread' ? workerModule : processModule, isolation)
  return isolation === 'thread' ? new ThreadTransport({ workerModule, memoryMb }) : new ProcessTransport({ processModule, memoryMb, clock })
}

const HOW_TO_BUILD = {
  thread: 'exports "handle" from "@cidadao/agent-pool/worker" and names it as "workerModule"',
  process: 'imports "@cidadao/agent-pool/process-worker" and names it as "processModule"',
}

function requireEntryPoint(module: URL, isolation: 'thread' | 'process'): void {
  const path = fileURLToPath(module)
  if (existsSync(path)) return
  const what = `no ${isolation} entry point at ${path}: an application that bundles this package builds a file of its own that `
  throw new AgentPoolStartError(what + HOW_TO_BUILD[isolation], { facts: { path } })
}
