import { DatabaseError } from './database-error.ts'

/** An invalidation breaks a rule. Facts name field and rule, never the value. Nothing was written. */
export class InvalidInvalidationError extends DatabaseError {
  readonly code = 'DB_INVALID_INVALIDATION'

  constructor(field: string, rule: string) {
    super(`${field} ${rule}`, { facts: { field, rule } })
  }
}

/** The deliverer of an outbox relay did not come back in time. The same messages are delivered again. */
export class DeliveryTimeoutError extends DatabaseError {
  readonly code = 'DB_DELIVERY_TIMEOUT'
  override readonly effect = 'unknown'
}
