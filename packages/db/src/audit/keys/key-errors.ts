import { DatabaseError } from '../../errors/database-error.ts'

/** The signing key is missing, damaged, somebody else's, or readable by others. `facts`: `rule`, `path`; never the key. */
export class AuditKeyError extends DatabaseError {
  readonly code = 'DB_AUDIT_KEY_UNUSABLE'

  constructor(rule: string, options: { readonly path?: string; readonly cause?: unknown } = {}) {
    const { path, cause } = options
    super(path === undefined ? `audit signing key: ${rule}` : `audit signing key in ${path}: ${rule}`, {
      cause,
      facts: { rule, ...(path !== undefined && { path }) },
    })
  }
}
