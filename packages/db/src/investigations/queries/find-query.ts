import { InvalidCursorError, InvalidInvestigationError } from '../../errors/investigation-errors.ts'
import type { Investigation } from '../investigation.ts'
import { INVESTIGATION_COLUMNS } from '../investigation-row.ts'
import type { InvestigationStatus } from '../investigation-status.ts'
import { Conditions, type CreationRange } from './conditions.ts'
import type { OwnerScope } from '../owner-scope.ts'
import type { SqlStatement } from '../../sql-executor.ts'

/** What to look for, newest first. */
export interface FindOptions extends OwnerScope, CreationRange {
  /** One status or several. @default any */
  readonly status?: InvestigationStatus | readonly InvestigationStatus[]
  /** Lowest confidence, inclusive; those without a confidence are left out. */
  readonly minConfidence?: number
  /** Highest confidence, inclusive; those without a confidence are left out. */
  readonly maxConfidence?: number
  /** Most items of a page, 1 to 500. @default 50 */
  readonly limit?: number
  /** `next` of the page before. */
  readonly after?: string
}

export interface InvestigationPage {
  readonly items: readonly Investigation[]
  /** Cursor of the next page; `null` on the last one. */
  readonly next: string | null
}

export const DEFAULT_PAGE_SIZE = 50
const MAX_PAGE_SIZE = 500

/** One row more than asked for, to know whether there is a next page. Throws `InvalidInvestigationError`, `InvalidCursorError`. */
export function findQuery(options: FindOptions): SqlStatement {
  const conditions = new Conditions()
  conditions.addOwner(options)
  conditions.addStatus(options.status)
  conditions.addCreation(options)
  conditions.addConfidence('>=', options.minConfidence)
  conditions.addConfidence('<=', options.maxConfidence)
  if (options.after !== undefined) {
    const { createdAt, id } = readCursor(options.after)
    conditions.add((first, second) => `(created_at, id) < (${first}, ${second})`, createdAt, id)
  }
  const { where } = conditions
  const limit = conditions.parameter(requirePageSize(options.limit) + 1)
  const text = `SELECT ${INVESTIGATION_COLUMNS} FROM investigations ${where} ORDER BY created_at DESC, id DESC LIMIT ${limit}`
  return { text, values: conditions.values }
}

/** Cuts the extra row off and turns it into a cursor. */
export function toPage(found: readonly Investigation[], limit: number = DEFAULT_PAGE_SIZE): InvestigationPage {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last !== undefined ? writeCursor(last) : null }
}

function requirePageSize(limit: number = DEFAULT_PAGE_SIZE): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    throw new InvalidInvestigationError('limit', `must be an integer from 1 to ${MAX_PAGE_SIZE}`)
  }
  return limit
}

function writeCursor({ createdAt, id }: Investigation): string {
  return Buffer.from(JSON.stringify([createdAt.getTime(), id])).toString('base64url')
}

function readCursor(cursor: string): { readonly createdAt: Date; readonly id: string } {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch (error) {
    throw new InvalidCursorError('the cursor is not one of this list', { cause: error })
  }
  const [createdMs, id] = Array.isArray(parsed) ? (parsed as readonly unknown[]) : []
  if (typeof createdMs !== 'number' || typeof id !== 'string' || Number.isNaN(new Date(createdMs).getTime())) {
    throw new InvalidCursorError('the cursor is not one of this list')
  }
  return { createdAt: new Date(createdMs), id }
}
