import { toError } from '@cidadao/contracts'
import { TierRejectedError, TierUnavailableError } from '../errors.ts'

/** Classes of SQLSTATE that concern one statement or its data; everything else says that the tier cannot serve. */
const REJECTED_CLASSES = new Set(['22', '23', '40'])
const UNDEFINED_TABLE = '42P01'

/** The one place that knows PostgreSQL's error codes. */
export function toTierError(thrown: unknown): TierUnavailableError | TierRejectedError {
  const error = toError(thrown)
  const sqlState = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (sqlState === UNDEFINED_TABLE) {
    return new TierUnavailableError('PostgreSQL: the table cache_entries is missing; have the migrations been applied?', {
      cause: error,
      facts: { sqlState },
    })
  }
  const facts = { sqlState: sqlState ?? null }
  if (sqlState !== undefined && REJECTED_CLASSES.has(sqlState.slice(0, 2))) {
    return new TierRejectedError(`PostgreSQL refused: ${sqlState}`, { cause: error, facts })
  }
  return new TierUnavailableError(`PostgreSQL: ${error.message}`, { cause: error, facts })
}
