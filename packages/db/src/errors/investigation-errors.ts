import { DatabaseError } from './database-error.ts'

/** A field of an investigation, plan, step or event breaks a rule. Facts name field and rule, never the value. */
export class InvalidInvestigationError extends DatabaseError {
  readonly code = 'DB_INVALID_INVESTIGATION'

  constructor(field: string, rule: string, cause?: unknown) {
    super(`${field} ${rule}`, { cause, facts: { field, rule } })
  }
}

/** The stored row is not at the version that the caller read. Read it again and decide anew. */
export class VersionConflictError extends DatabaseError {
  readonly code = 'DB_VERSION_CONFLICT'
  /** The version that the caller thought was stored; 0 for a new investigation. */
  readonly expectedVersion: number
  /** The version that is stored; `null` where there is no such row. */
  readonly storedVersion: number | null

  constructor(id: string, expectedVersion: number, storedVersion: number | null) {
    super(
      storedVersion === null
        ? `investigation "${id}" was expected at version ${expectedVersion}, but is not stored`
        : `investigation "${id}" is stored at version ${storedVersion}, not at ${expectedVersion}`,
      { facts: { investigation: id, expectedVersion, storedVersion } },
    )
    this.expectedVersion = expectedVersion
    this.storedVersion = storedVersion
  }
}

/** The save would change what identifies an investigation: its query, its owner or its time of creation. */
export class ImmutableFieldError extends DatabaseError {
  readonly code = 'DB_IMMUTABLE_FIELD'

  constructor(field: string, cause?: unknown) {
    super(`${field} of an investigation cannot change`, { cause, facts: { field } })
  }
}

/** No rule leads from the stored status to the new one. */
export class IllegalTransitionError extends DatabaseError {
  readonly code = 'DB_ILLEGAL_TRANSITION'

  constructor(from: string, to: string, cause?: unknown) {
    super(`an investigation cannot go from ${from} to ${to}`, { cause, facts: { from, to } })
  }
}

/** There is no such investigation, or it belongs to somebody else: the two look the same on purpose. */
export class InvestigationNotFoundError extends DatabaseError {
  readonly code = 'DB_INVESTIGATION_NOT_FOUND'

  constructor(id: string) {
    super(`there is no investigation "${id}"`, { facts: { investigation: id } })
  }
}

/** The cursor did not come from this `find`. */
export class InvalidCursorError extends DatabaseError {
  readonly code = 'DB_INVALID_CURSOR'
}

/** The investigation has no step of that name. */
export class StepNotFoundError extends DatabaseError {
  readonly code = 'DB_STEP_NOT_FOUND'

  constructor(investigationId: string, stepId: string) {
    super(`investigation "${investigationId}" has no step "${stepId}"`, { facts: { investigation: investigationId, step: stepId } })
  }
}
