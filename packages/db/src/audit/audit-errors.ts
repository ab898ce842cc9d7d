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

/** The log has no entry with that id, or it was pruned. `facts`: `id`. */
export class AuditEntryMissingError extends DatabaseError {
  readonly code = 'DB_AUDIT_ENTRY_MISSING'
}

/** No signed checkpoint covers the entries yet: have one made, then ask again. `facts`: `atLeast`, the entries to cover. */
export class AuditCheckpointMissingError extends DatabaseError {
  readonly code = 'DB_AUDIT_CHECKPOINT_MISSING'
}

/** The entries are no longer in the database: they are in the export with the SHA-256 given. `facts`: `prunedTo`, `archiveSha256`. */
export class AuditPrunedError extends DatabaseError {
  readonly code = 'DB_AUDIT_PRUNED'
}

/** A rule of pruning is broken; nothing was removed. `facts`: `rule` where the library found it. */
export class AuditPruneError extends DatabaseError {
  readonly code = 'DB_AUDIT_PRUNE_REFUSED'
}

/** A field to redact has nothing that could be erased: it was never committed to, or is erased already. Nothing was done. */
export class AuditRedactionError extends DatabaseError {
  readonly code = 'DB_AUDIT_NOTHING_TO_REDACT'
}

/** Raised by the database functions of the audit log; the numbers are part of the migration. */
const SQLSTATE_NOT_OPEN = 'ZA001'
const SQLSTATE_ORIGIN = 'ZA002'
const SQLSTATE_REDACTION = 'ZA003'
const SQLSTATE_PRUNE = 'ZA004'

/** Translates what the audit functions of the database raise; everything else is for the pool's translator and passes. */
export function toAuditError(thrown: unknown): unknown {
  if (thrown instanceof AuditNotOpenError || thrown instanceof AuditOriginError) return thrown
  // The executor may have wrapped the driver's error already.
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const sqlState = 'code' in error ? error.code : undefined
    if (sqlState === SQLSTATE_NOT_OPEN) return new AuditNotOpenError('the audit log is not open: call open() first', { cause: thrown })
    if (sqlState === SQLSTATE_ORIGIN) return new AuditOriginError(error.message, { cause: thrown })
    if (sqlState === SQLSTATE_REDACTION) return new AuditRedactionError(error.message, { cause: thrown })
    if (sqlState === SQLSTATE_PRUNE) return new AuditPruneError(error.message, { cause: thrown })
  }
  return thrown
}
