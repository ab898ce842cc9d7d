import type { JsonValue } from '@cidadao/contracts'
import { requireWhole } from './agent-pool-options.ts'
import { AgentPoolOptionsError } from './errors.ts'

/** From first to last. */
export const RUN_PRIORITIES = ['critical', 'high', 'normal', 'low'] as const
export type RunPriority = (typeof RUN_PRIORITIES)[number]

export interface RunOptions {
  /** Aborting it cancels the run, waiting or running. @default none */
  readonly signal?: AbortSignal
  /** When the result is of no use any more; enforced, waiting or running. @default none */
  readonly deadline?: Date
  /** Higher ones begin first; one that waits rises with time, and equals begin in the order they came. @default 'normal' */
  readonly priority?: RunPriority
  /** Slots are shared out evenly between the tenants that wait. @default '' */
  readonly tenant?: string
  /** How much of its tenant's share the run takes. @default 1 */
  readonly cost?: number
  /** Longest run, in milliseconds; may only shorten the agent's own. @default the agent's `runTimeoutMs` */
  readonly timeoutMs?: number
  /** Longest wait, in milliseconds. @default the pool's `queueTimeoutMs` */
  readonly queueTimeoutMs?: number
  /** Runs with the same key go to the same worker while that is free: what it remembers of the last is of use. @default none */
  readonly affinityKey?: string
  /** What the agent may spend, by resource; enforced by `context.spend`, anew for each attempt. @default no limits */
  readonly budget?: Readonly<Record<string, number>>
  /** Told of progress, the newest report at most each `progressIntervalMs`. @default none */
  readonly onProgress?: (progress: JsonValue) => void
}

export interface ResolvedRunOptions {
  readonly signal: AbortSignal | undefined
  readonly deadline: Date | undefined
  readonly priority: RunPriority
  readonly tenant: string
  readonly cost: number
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly affinityKey: string | undefined
  readonly budget: Readonly<Record<string, number>>
  readonly onProgress: ((progress: JsonValue) => void) | undefined
}

/** What a run gets where its caller says nothing. */
export interface RunDefaults {
  readonly runTimeoutMs: number
  readonly queueTimeoutMs: number
}

const NO_BUDGET: Readonly<Record<string, number>> = Object.freeze({})

export function resolveRunOptions(options: RunOptions, defaults: RunDefaults): ResolvedRunOptions {
  const resolved: ResolvedRunOptions = {
    signal: options.signal,
    deadline: options.deadline,
    priority: options.priority ?? 'normal',
    tenant: options.tenant ?? '',
    cost: options.cost ?? 1,
    timeoutMs: Math.min(options.timeoutMs ?? defaults.runTimeoutMs, defaults.runTimeoutMs),
    queueTimeoutMs: options.queueTimeoutMs ?? defaults.queueTimeoutMs,
    affinityKey: options.affinityKey,
    budget: options.budget ?? NO_BUDGET,
    onProgress: options.onProgress,
  }
  requireWhole('timeoutMs', options.timeoutMs ?? defaults.runTimeoutMs, 1)
  requireWhole('queueTimeoutMs', resolved.queueTimeoutMs, 1)
  requireWhole('cost', resolved.cost, 1)
  if (!RUN_PRIORITIES.includes(resolved.priority)) {
    throw new AgentPoolOptionsError('priority', `must be one of ${RUN_PRIORITIES.join(', ')}`, resolved.priority)
  }
  for (const [resource, limit] of Object.entries(resolved.budget)) {
    if (!(Number.isFinite(limit) && limit >= 0)) throw new AgentPoolOptionsError(`budget.${resource}`, 'must be a number ≥ 0', limit)
  }
  if (resolved.deadline !== undefined && !isValidDate(resolved.deadline)) {
    throw new AgentPoolOptionsError('deadline', 'must be a valid Date', resolved.deadline)
  }
  return resolved
}

function isValidDate(value: unknown): boolean {
  return value instanceof Date && Number.isFinite(value.getTime())
}
