import type { RedisNode } from '../../src/redis/index.ts'

export const POLICY = {
  name: 'things',
  ttlMs: 2_500,
  graceMs: 2_000,
  jitter: 0.1,
  factoryTimeoutMs: 5_000,
  leaseMs: 3_000,
  leaseWaitMs: 8_000,
  retryAfterMs: 200,
} as const
/** How far behind another process may be: `verifyWithinMs`. */
export const DELTA_MS = 1_000
export const HEARTBEAT_MS = 300
export const BUDGET_MS = 500
/** From the production of a value to the moment from which the last tier counts its lifetime. */
export const STORE_SLACK_MS = 8 * BUDGET_MS
/** A factory, a wait for another one's, several budgets in several tiers, a pause, and what a busy machine adds. */
export const LONG_CALL_MS = POLICY.factoryTimeoutMs + POLICY.leaseWaitMs + 30_000

export const OMISSIONS = ['nothing', 'fence', 'bus'] as const
export type Omission = (typeof OMISSIONS)[number]

/** What a process is to be a client of. */
export interface Place {
  readonly environment: string
  readonly redis: readonly RedisNode[]
  /** A database with the cache's table, or none. */
  readonly postgresUrl: string | null
  readonly journal: string
  readonly process: number
  readonly without: Omission
}

export type Order =
  | { readonly do: 'begin'; readonly place: Place }
  | { readonly do: 'load' }
  | { readonly do: 'rest' }
  | { readonly do: 'status' }
  /** Asks for the key with a factory of that length; answers how often it ran here. */
  | { readonly do: 'obtain'; readonly factoryMs: number }
  /** Has what is pending recorded, and answers with a token of it. */
  | { readonly do: 'settle' }
  | { readonly do: 'read-settled'; readonly tokens: readonly string[] }
  | { readonly do: 'read-after'; readonly token: string; readonly after: string; readonly key: string }
  | { readonly do: 'end' }

export interface ClientStatus {
  readonly calls: number
  readonly whole: boolean
  readonly mode: string
  readonly runs: number
}
