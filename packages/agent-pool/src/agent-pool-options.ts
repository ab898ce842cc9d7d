import { availableParallelism } from 'node:os'
import { systemClock } from '@cidadao/contracts'
import type { AgentDefinition } from './agent.ts'
import type { AgentPoolSettings, ScalingSettings } from './agent-pool-settings.ts'
import { ROUTER_STRATEGIES } from './crews/routing.ts'
import { RESTART_POLICIES, SUPERVISION_STRATEGIES, type Supervision } from './crews/supervision.ts'
import { AgentPoolOptionsError } from './errors.ts'
import type { RateLimitStore } from './limits/rate-limit.ts'
import { siblingModule } from './sibling-module.ts'

export interface AgentPoolOptions<Agents extends readonly AgentDefinition[] = readonly AgentDefinition[]> extends AgentPoolSettings {
  readonly agents: Agents
}

export interface ResolvedPoolOptions extends Required<Omit<AgentPoolOptions, 'scaling' | 'supervision' | 'rateLimitStore'>> {
  readonly scaling: Required<ScalingSettings>
  readonly supervision: Required<Supervision>
  readonly rateLimitStore: RateLimitStore | undefined
}

const DEFAULTS = {
  threadMemoryMb: 512,
  startTimeoutMs: 30_000,
  recycleAfterRuns: 0,
  inlineSlots: 16,
  queueLimit: 1_000,
  queueTimeoutMs: 300_000,
  runTimeoutMs: 300_000,
  cancelGraceMs: 1_000,
  ageingMs: 10_000,
  progressIntervalMs: 100,
  progressMaxChars: 16_384,
  crashIntensity: { crashes: 5, withinMs: 60_000 },
  circuitBackoff: { initialMs: 5_000, maxMs: 300_000 },
  stopDeadlineMs: 10_000,
  route: 'most-recent',
  recycleAfterMs: 0,
  recycleAboveMb: 0,
  probeIntervalMs: 0,
  probeTimeoutMs: 5_000,
  upkeepMs: 1_000,
  rateLimits: {},
  clock: systemClock,
  random: Math.random,
} satisfies AgentPoolSettings

const DEFAULT_SCALING: Required<ScalingSettings> = { runsPerWorker: 2, targetWaitMs: 500, stabilisationMs: 60_000, idleEvictMs: 60_000 }
const DEFAULT_SUPERVISION: Required<Supervision> = { restart: 'permanent', strategy: 'one-for-one' }

/** Lowest value of each plain number; all are whole. */
const LOWEST = {
  threads: 1,
  minThreads: 0,
  threadMemoryMb: 16,
  startTimeoutMs: 1,
  recycleAfterRuns: 0,
  inlineSlots: 1,
  queueLimit: 0,
  tenantQueueLimit: 0,
  queueTimeoutMs: 1,
  runTimeoutMs: 1,
  cancelGraceMs: 0,
  ageingMs: 1,
  progressIntervalMs: 0,
  progressMaxChars: 2,
  stopDeadlineMs: 0,
  recycleAfterMs: 0,
  recycleAboveMb: 0,
  probeIntervalMs: 0,
  probeTimeoutMs: 1,
  upkeepMs: 1,
} as const

export function resolveAgentPoolOptions(options: AgentPoolOptions): ResolvedPoolOptions {
  const given = withoutUndefined(options)
  const threads = given.threads ?? availableParallelism()
  const resolved: ResolvedPoolOptions = {
    ...DEFAULTS,
    tenantQueueLimit: Number.MAX_SAFE_INTEGER,
    workerModule: siblingModule(import.meta.url, './worker'),
    processModule: siblingModule(import.meta.url, './process-worker'),
    rateLimitStore: undefined,
    ...given,
    threads,
    minThreads: given.minThreads ?? threads,
    scaling: { ...DEFAULT_SCALING, ...given.scaling },
    supervision: { ...DEFAULT_SUPERVISION, ...given.supervision },
  }
  requireNumbers(resolved)
  requireOneOf('route', ROUTER_STRATEGIES, resolved.route)
  requireSupervision('supervision', resolved.supervision)
  requireRateLimits(resolved)
  requireAgents(resolved.agents)
  return Object.freeze(resolved)
}

function requireNumbers(resolved: ResolvedPoolOptions): void {
  for (const [field, lowest] of Object.entries(LOWEST)) requireWhole(field, resolved[field as keyof typeof LOWEST], lowest)
  for (const [field, value] of Object.entries(resolved.scaling)) requireWhole(`scaling.${field}`, value, field === 'runsPerWorker' ? 1 : 0)
  if (resolved.minThreads > resolved.threads) {
    throw new AgentPoolOptionsError('minThreads', `must be at most threads, which is ${resolved.threads}`, resolved.minThreads)
  }
  requireWhole('crashIntensity.crashes', resolved.crashIntensity.crashes, 1)
  requireWhole('crashIntensity.withinMs', resolved.crashIntensity.withinMs, 1)
  requireWhole('circuitBackoff.initialMs', resolved.circuitBackoff.initialMs, 1)
  requireWhole('circuitBackoff.maxMs', resolved.circuitBackoff.maxMs, resolved.circuitBackoff.initialMs)
}

function requireRateLimits({ rateLimits }: ResolvedPoolOptions): void {
  for (const [upstream, { perSecond, burst }] of Object.entries(rateLimits)) {
    if (!(Number.isFinite(perSecond) && perSecond > 0)) {
      throw new AgentPoolOptionsError(`rateLimits.${upstream}.perSecond`, 'must be a number > 0', perSecond)
    }
    requireWhole(`rateLimits.${upstream}.burst`, burst, 1)
  }
}

export function requireSupervision(field: string, supervision: Required<Supervision>): void {
  requireOneOf(`${field}.restart`, RESTART_POLICIES, supervision.restart)
  requireOneOf(`${field}.strategy`, SUPERVISION_STRATEGIES, supervision.strategy)
}

function requireOneOf(field: string, allowed: readonly string[], value: string): void {
  if (!allowed.includes(value)) throw new AgentPoolOptionsError(field, `must be one of ${allowed.join(', ')}`, value)
}

/** An explicit `undefined` means the default, as for a missing field. */
function withoutUndefined(options: AgentPoolOptions): AgentPoolOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as AgentPoolOptions
}

export function requireWhole(field: string, value: unknown, lowest: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= lowest) return
  throw new AgentPoolOptionsError(field, `must be a whole number ≥ ${lowest}`, value)
}

function requireAgents(agents: readonly AgentDefinition[]): void {
  if (!Array.isArray(agents) || agents.length === 0) throw new AgentPoolOptionsError('agents', 'must name at least one agent', agents)
  const names = new Set<string>()
  for (const agent of agents as readonly AgentDefinition[]) {
    if (names.has(agent.name)) throw new AgentPoolOptionsError('agents', 'must have unique names', agent.name)
    names.add(agent.name)
  }
}
