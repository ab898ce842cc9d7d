import { InvalidInvestigationError } from '../errors/investigation-errors.ts'

/** On whose behalf is read. */
export interface OwnerScope {
  /**
   * A user's id sees that user's investigations only; `null` sees the anonymous ones only. Left out, all are seen:
   * for the system itself, never for a request.
   */
  readonly owner?: string | null
}

/** Throws for an owner that is present but undefined: a forgotten login must not read everything. */
export function requireOwner(scope: OwnerScope): string | null | undefined {
  const given: { readonly owner?: string | null | undefined } = scope
  if ('owner' in given && given.owner === undefined) {
    throw new InvalidInvestigationError('owner', 'must be an id, or null for anonymous; leave it out to read on behalf of the system')
  }
  return scope.owner
}
