import { DatabaseError } from '../../errors/database-error.ts'

/** More entries wait for the log than may. Nothing was kept of this one: slow down, or do without what it would tell of. */
export class AuditQueueFullError extends DatabaseError {
  readonly code = 'DB_AUDIT_QUEUE_FULL'
  override readonly transient = true

  constructor(waiting: number) {
    super(`${waiting} audit entries wait to be appended already: this one was refused`, { facts: { waiting } })
  }
}

/** The batcher is not started, or has been stopped, and the entry was not sent. */
export class AuditBatcherClosedError extends DatabaseError {
  readonly code = 'DB_AUDIT_BATCHER_CLOSED'
}

/** The batcher was stopped while the entry was on its way: whether it was appended is not known. */
export class AuditBatchAbandonedError extends DatabaseError {
  readonly code = 'DB_AUDIT_BATCH_ABANDONED'
  override readonly effect = 'unknown'
}
