/** Which workers are replaced when one dies. */
export const RESTART_POLICIES = ['permanent', 'transient', 'temporary'] as const

/**
 * `permanent`: always. `transient`: where it died, but not where it ended of its own accord (exit code 0). `temporary`:
 * never. A post that was left vacant is filled when runs wait for it: waiting is never for nothing.
 */
export type RestartPolicy = (typeof RESTART_POLICIES)[number]

/** Which others are replaced with it. */
export const SUPERVISION_STRATEGIES = ['one-for-one', 'rest-for-one', 'one-for-all'] as const

/** `one-for-one`: none. `rest-for-one`: those that were started after it. `one-for-all`: all. A busy one ends its run first. */
export type SupervisionStrategy = (typeof SUPERVISION_STRATEGIES)[number]

export interface Supervision {
  /** @default 'permanent' */
  readonly restart?: RestartPolicy
  /** @default 'one-for-one' */
  readonly strategy?: SupervisionStrategy
}

export function isRestarted(policy: RestartPolicy, death: { readonly reason: string; readonly exitCode: number }): boolean {
  if (policy === 'permanent') return true
  return policy === 'transient' && !(death.reason === 'exit' && death.exitCode === 0)
}

/** Who goes down with `dead`. */
export function siblingsOf<Worker extends { readonly id: number }>(
  strategy: SupervisionStrategy,
  dead: Worker,
  others: Iterable<Worker>,
): readonly Worker[] {
  if (strategy === 'one-for-one') return []
  return [...others].filter(({ id }) => strategy === 'one-for-all' || id > dead.id)
}
