import { DatabaseError } from '../errors/database-error.ts'

/** A value has no canonical JSON form, or is over the limits. `facts`: `path` within the value, `rule` that it breaks. */
export class CanonicalJsonError extends DatabaseError {
  readonly code = 'DB_AUDIT_NOT_CANONICAL'
}

/** An audit entry breaks a rule of its fields. Nothing was sent to the database. `facts`: `field`, `rule`. */
export class AuditEntryError extends DatabaseError {
  readonly code = 'DB_AUDIT_ENTRY_INVALID'
}

/** A key, note, checkpoint or proof is not written as its format asks. `facts`: `format`, `rule`. */
export class AuditFormatError extends DatabaseError {
  readonly code = 'DB_AUDIT_FORMAT_INVALID'
}

/** The log has no genesis yet: call `open()` once before appending or verifying. */
export class AuditNotOpenError extends DatabaseError {
  readonly code = 'DB_AUDIT_NOT_OPEN'
}

/** The database holds the log of another origin, or its head row is lost: appending would mix two histories. */
export class AuditOriginError extends DatabaseError {
  readonly code = 'DB_AUDIT_ORIGIN_MISMATCH'
}

/**
 * The entries in the database do not lead to the Merkle root that is asked for. `facts.reason`: `short` entries are
 * missing, `root` they are others. Nothing was given out; verify the log against a checkpoint held elsewhere.
 */
export class AuditTreeError extends DatabaseError {
  readonly code = 'DB_AUDIT_TREE_MISMATCH'
}

/** Raised by the database functions of the audit log; the numbers are part of the migration. */
const SQLSTATE_NOT_OPEN = 'ZA001'
const SQLSTATE_ORIGIN = 'ZA002'

/** Translates what the audit functions of the database raise; everything else is for the pool's translator and passes. */
export function toAuditError(thrown: unknown): unknown {
  if (thrown instanceof AuditNotOpenError || thrown instanceof AuditOriginError) return thrown
  // The executor may have wrapped the driver's error already.
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const sqlState = 'code' in error ? error.code : undefined
    if (sqlState === SQLSTATE_NOT_OPEN) return new AuditNotOpenError('the audit log is not open: call open() first', { cause: thrown })
    if (sqlState === SQLSTATE_ORIGIN) return new AuditOriginError(error.message, { cause: thrown })
  }
  return thrown
}
