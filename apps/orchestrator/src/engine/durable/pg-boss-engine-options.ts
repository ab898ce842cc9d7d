import type { Clock } from '@cidadao/contracts'
import { EngineOptionsError } from '../../errors.ts'
import type { StepMemory, StepRunner } from '../step-runner.ts'
import type { LedgerDatabase } from './run-ledger.ts'

/** `all` and `worker` carry out steps; `api` only submits and cancels. */
export const ENGINE_ROLES = ['all', 'api', 'worker'] as const
export type EngineRole = (typeof ENGINE_ROLES)[number]

export interface PgBossEngineSettings {
  /** @default 'all' */
  readonly role?: EngineRole
  /** Agents whose steps this process carries out. @default all of the pool's */
  readonly agents?: readonly string[]
  /** Longest time from submission to end where the plan names none, in milliseconds. @default 1_800_000 */
  readonly runTimeoutMs?: number
  /** Steps of one owner at work on one agent, in all processes. @default 4 */
  readonly groupConcurrency?: number
  /** How often a step whose process died is taken again before it fails. @default 5 */
  readonly retries?: number
  /** Pause between looks for work, in milliseconds; own submissions are looked for at once. @default 250 */
  readonly pollMs?: number
  /** Pause between signs of life, which also bring wishes to cancel, in milliseconds. @default 1_000 */
  readonly heartbeatMs?: number
  /** How long a run may go without being looked at before it is reconciled, in milliseconds. @default 60_000 */
  readonly reconcileMs?: number
  /** Pause before a step that the pool refused is tried again, in milliseconds. @default 1_000 */
  readonly refusedMs?: number
}

export interface PgBossEngineOptions extends PgBossEngineSettings {
  readonly db: LedgerDatabase
  readonly runner: StepRunner
  /** How many steps of an agent may be taken now. */
  readonly capacity: (agent: string) => number
  readonly memory: StepMemory
  readonly clock: Clock
}

export type ResolvedPgBossOptions = Readonly<Required<PgBossEngineOptions>>

const NUMBERS = {
  runTimeoutMs: 1_800_000,
  groupConcurrency: 4,
  retries: 5,
  pollMs: 250,
  heartbeatMs: 1_000,
  reconcileMs: 60_000,
  refusedMs: 1_000,
} as const

/** Completes, validates and freezes. @throws EngineOptionsError */
export function resolvePgBossOptions(options: PgBossEngineOptions): ResolvedPgBossOptions {
  const known = [...options.runner.agentVersions.keys()]
  const resolved = { role: 'all' as const, agents: known, ...NUMBERS, ...options }
  for (const field of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    const value = resolved[field]
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new EngineOptionsError(`engine option ${field} must be a whole number of at least 1, got ${value}`, { facts: { field } })
  }
  const unknown = resolved.agents.find((agent) => !known.includes(agent))
  if (unknown !== undefined) {
    throw new EngineOptionsError(`engine option agents must name agents that there are (${known.join(', ')}), got ${unknown}`, {
      facts: { field: 'agents' },
    })
  }
  return Object.freeze(resolved)
}
