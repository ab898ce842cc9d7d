import type { InfraError } from '@cidadao/contracts'
import { DatabaseError } from './database-error.ts'

/** One call names the same investigation more than once: which of them is meant cannot be known, so none is saved. */
export class DuplicateIdError extends DatabaseError {
  readonly code = 'DB_DUPLICATE_ID'
  /** Where they stand in the list, from 0. */
  readonly indexes: readonly number[]

  constructor(id: string, indexes: readonly number[]) {
    super(`investigation "${id}" is given ${indexes.length} times in one call, at ${indexes.slice(0, MOST_NAMED).join(', ')}`, {
      facts: { investigation: id, times: indexes.length },
    })
    this.indexes = indexes
  }
}

/** A row that an atomic bulk save could not store, and why. */
export interface RowRefusal {
  /** Where it stands in the list, from 0. */
  readonly index: number
  readonly error: InfraError
}

/** An atomic bulk save met rows that cannot be stored, so nothing was. `refusals` are the first of them. */
export class BulkRefusedError extends DatabaseError {
  readonly code = 'DB_BULK_REFUSED'
  readonly refusals: readonly RowRefusal[]

  constructor(refusals: readonly RowRefusal[]) {
    const named = refusals.slice(0, MOST_NAMED)
    super(`nothing was saved; ${named.map(({ index, error }) => `row ${index}: ${error.message}`).join('; ')}`, {
      cause: named[0]?.error,
      facts: { row: named[0]?.index ?? null, code: named[0]?.error.code ?? null },
    })
    this.refusals = named
  }
}

/** These rows were not sent: the call was aborted, or rows before them failed with the database. `cause` is what ended it. */
export class BulkStoppedError extends DatabaseError {
  readonly code = 'DB_BULK_STOPPED'
}

const MOST_NAMED = 10
