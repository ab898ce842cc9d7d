import { requireOneOf } from '../option-checks.ts'

export const ISOLATION_LEVELS = ['read committed', 'repeatable read', 'serializable'] as const
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number]

export const ACCESS_MODES = ['read write', 'read only'] as const
export type AccessMode = (typeof ACCESS_MODES)[number]

export interface TransactionOptions {
  /** @default 'read committed' */
  readonly isolation?: IsolationLevel
  /** `'read only'` makes the server refuse every write. @default 'read write' */
  readonly access?: AccessMode
  /**
   * Whether doing all of it twice does no harm. Then it is also repeated after a commit of unknown outcome.
   * @default false
   */
  readonly idempotent?: boolean
}

/** The statement that opens such a transaction. Throws `InvalidOptionsError`. */
export function beginStatement({ isolation = 'read committed', access = 'read write' }: TransactionOptions): string {
  requireOneOf('isolation', isolation, ISOLATION_LEVELS)
  requireOneOf('access', access, ACCESS_MODES)
  return `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()} ${access.toUpperCase()}`
}
