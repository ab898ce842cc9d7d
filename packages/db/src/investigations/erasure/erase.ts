import type { AuditActor } from '../../audit/audit-actor.ts'
import type { AuditEntry } from '../../audit/audit-entry.ts'
import { deleteOpeningsOf, type ErasedOpenings } from '../../audit/erasure.ts'
import { InvestigationNotFoundError } from '../../errors/investigation-errors.ts'
import type { UnitOfWork } from '../../transactions/unit-of-work.ts'
import { requireOwner, type OwnerScope } from '../owner-scope.ts'
import type { WriteEffects } from '../write-effects.ts'
import { requireBasis, type ErasureBasis } from './erasure-basis.ts'

export interface EraseOptions extends OwnerScope {
  /** Who removes it, for the audit log: a pseudonym, never a name. */
  readonly actor: AuditActor
  /** Why. */
  readonly basis: ErasureBasis
  /** The request that led to it. @default none */
  readonly requestId?: string
}

/** What was removed. */
export interface Erasure {
  readonly investigationId: string
  /** Values of the audit log that can no longer be read: what opened their commitments is gone. */
  readonly openings: number
}

const LOCK = 'SELECT user_id FROM investigations WHERE id = $1 FOR UPDATE'
/** An entry has a size limit, which must not make an erasure impossible. */
const MOST_ENTRIES = 1_000
/** Plans, steps and events go with the row, by their foreign keys. */
const DELETE = 'DELETE FROM investigations WHERE id = ANY ($1::text[])'

/** Removes one investigation within the unit. */
export async function eraseOne(unit: UnitOfWork, id: string, parts: EraseOptions & { readonly effects: WriteEffects }): Promise<Erasure> {
  const owner = requireOwner(parts)
  requireBasis(parts.basis)
  const { rows } = await unit.sql.query<{ readonly user_id: string | null }>({ name: 'investigations.lock', text: LOCK, values: [id] })
  const [stored] = rows
  // The commit of an earlier try of this very call was not answered, and it did take effect.
  if (stored === undefined && unit.attempt.mayBeDone) return { investigationId: id, openings: 0 }
  if (stored === undefined || (owner !== undefined && stored.user_id !== owner)) throw new InvestigationNotFoundError(id)
  return eraseLocked(unit, id, parts)
}

/** The row is locked, so nobody who saves it, or adds an event to it, can add to the log behind our back. */
export async function eraseLocked(
  unit: UnitOfWork,
  id: string,
  parts: Omit<EraseOptions, 'owner'> & { readonly effects: WriteEffects },
): Promise<Erasure> {
  const erased = await deleteOpeningsOf(unit.sql, id)
  await unit.sql.query({ name: 'investigations.delete', text: DELETE, values: [[id]] })
  unit.audit([toEntry(id, erased, parts)])
  parts.effects.erased(unit, [id], parts.basis)
  return { investigationId: id, openings: valuesIn(erased) }
}

function valuesIn(erased: readonly ErasedOpenings[]): number {
  return erased.reduce((sum, { fields }) => sum + fields.length, 0)
}

function toEntry(
  investigation: string,
  erased: readonly ErasedOpenings[],
  { actor, basis, requestId }: Omit<EraseOptions, 'owner'>,
): AuditEntry {
  return {
    actor,
    action: 'investigation.erased',
    investigation,
    outcome: 'success',
    data: { basis, openings: valuesIn(erased), entries: erased.slice(0, MOST_ENTRIES).map(({ entry }) => entry) },
    ...(requestId === undefined ? {} : { requestId }),
  }
}
