import { parseBrazilianDate, type CivilDate } from '../values/civil-date.ts'
import { maskCpfs } from '../values/identifiers.ts'
import { parseMoney, type Money } from '../values/money.ts'
import { parseQuantity, type Quantity } from '../values/quantity.ts'
import type { ColumnPositions } from './header.ts'
import type { RowProblem } from './rejected-row.ts'
import type { RowResult } from './table.ts'

const SHOWN = 40
const YEAR_AFTER_SLASH = /\/((?:19|20)\d{2})$/

/** Ends the reading of one row; `readRow` turns it into the row's problem. */
class RowRefusal extends Error {
  readonly problem: RowProblem

  constructor(problem: RowProblem) {
    super(problem.detail)
    this.problem = problem
  }
}

/** The row that `make` builds, or the problem of the first field that it could not read. */
export function readRow<Row>(make: () => Row): RowResult<Row> {
  try {
    return { kind: 'row', row: make() }
  } catch (thrown) {
    if (!(thrown instanceof RowRefusal)) throw thrown
    return { kind: 'problem', problem: thrown.problem }
  }
}

/** The fields of one row by the names of their columns, in the types they stand for. Used inside `readRow`. */
export class RowFields<Column extends string> {
  readonly #fields: readonly string[]
  readonly #positions: ColumnPositions<Column>

  constructor(fields: readonly string[], positions: ColumnPositions<Column>) {
    this.#fields = fields
    this.#positions = positions
  }

  text(column: Column): string {
    return (this.#fields[this.#positions[column]] ?? '').trim()
  }

  /** Free text, in which a CPF may stand. */
  masked(column: Column): string {
    return maskCpfs(this.text(column))
  }

  required(column: Column): string {
    const text = this.text(column)
    if (text === '') throw new RowRefusal({ reason: 'missing-value', column, detail: 'empty' })
    return text
  }

  /** Some dates are left empty in the official files, which is no error of the row. */
  date(column: Column): CivilDate | null {
    const text = this.text(column)
    if (text === '') return null
    const date = parseBrazilianDate(text)
    if (date === undefined) throw new RowRefusal({ reason: 'date', column, detail: `"${text.slice(0, SHOWN)}" is no date dd/mm/yyyy` })
    return date
  }

  amount(column: Column): Money {
    return this.#parsed(column, parseMoney, 'amount')
  }

  /** `null` where the field is empty: an amount that nobody stated is not zero. */
  statedAmount(column: Column): Money | null {
    return this.text(column) === '' ? null : this.amount(column)
  }

  quantity(column: Column): Quantity {
    return this.#parsed(column, parseQuantity, 'quantity')
  }

  /** The year of a number such as `00002/2016`. */
  yearAfterSlash(column: Column): number {
    const text = this.text(column)
    const year = YEAR_AFTER_SLASH.exec(text)?.[1]
    if (year === undefined) throw new RowRefusal({ reason: 'date', column, detail: `"${text.slice(0, SHOWN)}" does not end in a year` })
    return Number(year)
  }

  #parsed<Value>(column: Column, parse: (text: string) => Value | undefined, what: string): Value {
    const text = this.text(column)
    const value = parse(text)
    if (value === undefined) throw new RowRefusal({ reason: 'amount', column, detail: `"${text.slice(0, SHOWN)}" is no ${what}` })
    return value
  }
}
