import type { RowPosition } from '../contracts/contract.ts'
import { maskCpfs } from '../values/identifiers.ts'

/**
 * `quotes`: the quotes do not pair up. `field-count`: more or fewer fields than the header. `amount` and `date`: not
 * readable as one. `missing-value`: a field without which the row means nothing is empty. `too-long`: longer than any
 * row can be. `encoding`: bytes that the declared encoding does not have.
 */
export const REJECT_REASONS = ['quotes', 'field-count', 'amount', 'date', 'missing-value', 'too-long', 'encoding'] as const
export type RejectReason = (typeof REJECT_REASONS)[number]

/** Why a row was refused, before it is known where it stands. */
export interface RowProblem {
  readonly reason: RejectReason
  /** The column at fault, as the header names it; `null` where the row as a whole is at fault. */
  readonly column: string | null
  readonly detail: string
}

/** A row that could not be read. It is counted and listed, never dropped in silence. */
export interface RejectedRow extends RowPosition, RowProblem {
  /** The beginning of the row, CPFs masked. */
  readonly excerpt: string
}

const EXCERPT_LENGTH = 120
/** Masking looks at more than is shown, so that a CPF at the cut is not shown in part. */
const EXCERPT_MARGIN = 32

export function toRejectedRow(position: RowPosition, problem: RowProblem, text: string): RejectedRow {
  const { file, row, line } = position
  return { file, row, line, ...problem, detail: maskCpfs(problem.detail), excerpt: excerptOf(text) }
}

export function excerptOf(text: string): string {
  const masked = maskCpfs(text.slice(0, EXCERPT_LENGTH + EXCERPT_MARGIN))
  return masked.length > EXCERPT_LENGTH ? `${masked.slice(0, EXCERPT_LENGTH)}…` : masked
}

/** The first rejected rows, up to a limit, and the exact count of all, by reason. */
export class RejectList {
  readonly #limit: number
  readonly #rows: RejectedRow[] = []
  readonly #byReason = new Map<RejectReason, number>()
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(row: RejectedRow): void {
    this.#total++
    this.#byReason.set(row.reason, (this.#byReason.get(row.reason) ?? 0) + 1)
    if (this.#rows.length < this.#limit) this.#rows.push(row)
  }

  summary(): RejectSummary {
    const byReason = REJECT_REASONS.flatMap((reason) => {
      const count = this.#byReason.get(reason)
      return count === undefined ? [] : [[reason, count] as const]
    })
    return { total: this.#total, byReason: Object.fromEntries(byReason), rows: [...this.#rows] }
  }
}

export interface RejectSummary {
  /** All rejected rows, listed or not. */
  readonly total: number
  readonly byReason: Readonly<Partial<Record<RejectReason, number>>>
  /** The first of them. */
  readonly rows: readonly RejectedRow[]
}
