import { availableParallelism } from 'node:os'
import { systemClock, type Clock } from '@cidadao/contracts'
import type { AgentDefinition } from './agent.ts'
import { AgentPoolOptionsError } from './errors.ts'
import { siblingModule } from './sibling-module.ts'

/** How many crashes of one agent are too many. */
export interface CrashIntensity {
  readonly crashes: number
  readonly withinMs: number
}

/** How long a circuit stays open: from the first to the longest, doubling with jitter. */
export interface CircuitBackoff {
  readonly initialMs: number
  readonly maxMs: number
}

export interface AgentPoolSettings {
  /** Worker threads, shared by the thread agents; none are started without such agents. @default the processor's parallelism */
  readonly threads?: number
  /** Heap of one thread, in MiB; beyond it the thread dies and the pool lives. Buffers are not counted. @default 512 */
  readonly threadMemoryMb?: number
  /** Longest start of one thread with all modules imported, in milliseconds. @default 30_000 */
  readonly startTimeoutMs?: number
  /** A thread is replaced after so many runs; 0 is never. @default 0 */
  readonly recycleAfterRuns?: number
  /** Slots of an inline agent that names none. @default 16 */
  readonly inlineSlots?: number
  /** Most waiting runs of an agent that names no limit. @default 1_000 */
  readonly queueLimit?: number
  /** Most waiting runs of one tenant and agent. @default the agent's `queueLimit` */
  readonly tenantQueueLimit?: number
  /** Longest wait for a slot, in milliseconds. @default 300_000 */
  readonly queueTimeoutMs?: number
  /** Longest run of an agent that names no limit, in milliseconds. @default 300_000 */
  readonly runTimeoutMs?: number
  /** Time between the abort of a run's signal and the death of its thread, in milliseconds. @default 1_000 */
  readonly cancelGraceMs?: number
  /** A waiting run rises by one priority each so many milliseconds. @default 10_000 */
  readonly ageingMs?: number
  /** Progress reports of one run are at least so far apart, in milliseconds. @default 100 */
  readonly progressIntervalMs?: number
  /** Largest progress report, in characters of JSON. @default 16_384 */
  readonly progressMaxChars?: number
  /** Crashes after which an agent's circuit opens. @default 5 within 60_000 ms */
  readonly crashIntensity?: CrashIntensity
  /** How long it stays open. @default 5_000 to 300_000 ms */
  readonly circuitBackoff?: CircuitBackoff
  /** How long `stop()` lets runs finish, in milliseconds. @default 10_000 */
  readonly stopDeadlineMs?: number
  /** File of the thread's entry point: only for an application that bundles this package. @default the one beside it */
  readonly workerModule?: URL
  /** @default the system's */
  readonly clock?: Clock
}

export interface AgentPoolOptions<Agents extends readonly AgentDefinition[] = readonly AgentDefinition[]> extends AgentPoolSettings {
  readonly agents: Agents
}

export type ResolvedPoolOptions = Readonly<Required<AgentPoolOptions>>

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
  clock: systemClock,
} satisfies AgentPoolSettings

/** Lowest value of each plain number; all are whole. */
const LOWEST = {
  threads: 1,
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
} as const

export function resolveAgentPoolOptions(options: AgentPoolOptions): ResolvedPoolOptions {
  const queueLimit = options.queueLimit ?? DEFAULTS.queueLimit
  const resolved: ResolvedPoolOptions = {
    ...DEFAULTS,
    threads: availableParallelism(),
    tenantQueueLimit: Number.MAX_SAFE_INTEGER,
    workerModule: siblingModule(import.meta.url, './worker'),
    ...withoutUndefined(options),
    queueLimit,
  }
  for (const [field, lowest] of Object.entries(LOWEST)) requireWhole(field, resolved[field as keyof typeof LOWEST], lowest)
  requireWhole('crashIntensity.crashes', resolved.crashIntensity.crashes, 1)
  requireWhole('crashIntensity.withinMs', resolved.crashIntensity.withinMs, 1)
  requireWhole('circuitBackoff.initialMs', resolved.circuitBackoff.initialMs, 1)
  requireWhole('circuitBackoff.maxMs', resolved.circuitBackoff.maxMs, resolved.circuitBackoff.initialMs)
  requireAgents(resolved.agents)
  return Object.freeze(resolved)
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
