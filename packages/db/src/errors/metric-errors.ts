import { DatabaseError } from './database-error.ts'

/** A measurement breaks a rule. Facts name field and rule. */
export class InvalidMetricError extends DatabaseError {
  readonly code = 'DB_INVALID_METRIC'

  constructor(field: string, rule: string) {
    super(`${field} ${rule}`, { facts: { field, rule } })
  }
}
