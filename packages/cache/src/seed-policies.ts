import { definePolicy, type Policy } from './policy.ts'

export interface SeedPolicyTtls {
  /** Data that changes often: user sessions. @default 300_000 */
  readonly shortMs?: number
  /** Data that is stable for a while: investigation results. @default 3_600_000 */
  readonly mediumMs?: number
  /** Reference data. @default 86_400_000 */
  readonly longMs?: number
  /** Answers of external services; in between, so it has its own value. @default 1_800_000 */
  readonly apiResponsesMs?: number
}

export const SEED_POLICY_NAMES = ['investigation_results', 'api_responses', 'user_sessions', 'reference_data'] as const
export type SeedPolicyName = (typeof SEED_POLICY_NAMES)[number]
export type SeedPolicies = Readonly<Record<SeedPolicyName, Policy>>

const DEFAULTS: Required<SeedPolicyTtls> = { shortMs: 300_000, mediumMs: 3_600_000, longMs: 86_400_000, apiResponsesMs: 1_800_000 }

/**
 * The four kinds of data that the platform caches, from its three configured lifetimes: the one place they meet.
 * Sessions are in the shared tiers only, so that a second process sees them and a logout ends them everywhere.
 */
export function seedPolicies(ttls: SeedPolicyTtls = {}): SeedPolicies {
  const { shortMs, mediumMs, longMs, apiResponsesMs } = { ...DEFAULTS, ...ttls }
  return Object.freeze({
    investigation_results: definePolicy({ name: 'investigation_results', ttlMs: mediumMs }),
    api_responses: definePolicy({ name: 'api_responses', ttlMs: apiResponsesMs, graceMs: apiResponsesMs }),
    user_sessions: definePolicy({ name: 'user_sessions', ttlMs: shortMs, jitter: 0, tiers: ['redis', 'postgres'] }),
    reference_data: definePolicy({ name: 'reference_data', ttlMs: longMs, graceMs: longMs }),
  })
}
