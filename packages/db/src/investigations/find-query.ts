import { InvalidCursorError, InvalidInvestigationError } from '../errors/investigation-errors.ts'
import type { Investigation } from './investigation.ts'
import { INVESTIGATION_COLUMNS } from './investigation-row.ts'
import type { InvestigationStatus } from './investigation-status.ts'
import { requireConfidence, requireInstant, requireStatus } from './investigation-validation.ts'
import { requireOwner, type OwnerScope } from './owner-scope.ts'
import type { SqlStatement } from '../sql-executor.ts'

/** What to look for, newest first. */
export interface FindOptions extends OwnerScope {
  /** One status or several. @default any */
  readonly status?: InvestigationStatus | readonly InvestigationStatus[]
  /** Earliest creation, inclusive. */
  readonly createdFrom?: Date
  /** Latest creation, exclusive. */
  readonly createdTo?: Date
  /** Lowest confidence, inclusive; those without a confidence are left out. */
  readonly minConfidence?: number
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
  const conditions: string[] = []
  const values: unknown[] = []
  const add = (condition: (parameter: string) => string, value: unknown): void => {
    values.push(value)
    conditions.push(condition(`$${values.length}`))
  }
  const owner = requireOwner(options)
  if (owner === null) conditions.push('user_id IS NULL')
  else if (owner !== undefined) add((parameter) => `user_id = ${parameter}`, owner)
  if (options.status !== undefined) addStatus([options.status].flat().map(requireStatus), add)
  if (options.createdFrom !== undefined)
    add((parameter) => `created_at >= ${parameter}`, requireInstant('createdFrom', options.createdFrom))
  if (options.createdTo !== undefined) add((parameter) => `created_at < ${parameter}`, requireInstant('createdTo', options.createdTo))
  if (options.minConfidence !== undefined) {
    add((parameter) => `confidence_score >= ${parameter}`, requireConfidence(options.minConfidence))
  }
  if (options.after !== undefined) {
    const { createdAt, id } = readCursor(options.after)
    values.push(createdAt, id)
    conditions.push(`(created_at, id) < ($${values.length - 1}, $${values.length})`)
  }
  values.push(requirePageSize(options.limit) + 1)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const text = `SELECT ${INVESTIGATION_COLUMNS} FROM investigations ${where} ORDER BY created_at DESC, id DESC LIMIT $${values.length}`
  return { text, values }
}

/** With one status the index gives the order too; with several the rows have to be sorted. */
function addStatus(
  statuses: readonly InvestigationStatus[],
  add: (condition: (parameter: string) => string, value: unknown) => void,
): void {
  const [only] = statuses
  if (statuses.length === 1) add((parameter) => `status = ${parameter}`, only)
  else add((parameter) => `status = ANY (${parameter}::text[])`, statuses)
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
