import { DatabaseError } from '../../errors/database-error.ts'

/** An anchor could not be reached, read or written in time. Retried with growing pauses. `facts`: `anchor`. */
export class AnchorUnavailableError extends DatabaseError {
  readonly code = 'DB_AUDIT_ANCHOR_UNAVAILABLE'
  override readonly transient = true

  constructor(anchor: string, what: string, cause?: unknown) {
    super(`anchor ${anchor}: ${what}`, { cause, facts: { anchor } })
  }
}

/** An anchor does not take part: it knows neither log nor key, or holds what no trusted key signed. Mend the set-up. */
export class AnchorRefusedError extends DatabaseError {
  readonly code = 'DB_AUDIT_ANCHOR_REFUSED'

  constructor(anchor: string, why: string, cause?: unknown) {
    super(`anchor ${anchor}: ${why}`, { cause, facts: { anchor } })
  }
}

/** An anchor holds another history than the one to be put there. One of the two was altered: find out before going on. */
export class AnchorConflictError extends DatabaseError {
  readonly code = 'DB_AUDIT_ANCHOR_CONFLICT'

  constructor(anchor: string, what: string, cause?: unknown) {
    super(`anchor ${anchor}: ${what}`, { cause, facts: { anchor } })
  }
}
