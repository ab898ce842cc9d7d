import type { RowPosition } from '../contracts/contract.ts'
import { FileEmptyError } from '../errors.ts'
import { decodeText, parseRecord } from './csv-dialect.ts'
import { readHeader } from './header.ts'
import { LineSplitter, type Line } from './line-splitter.ts'
import { toRejectedRow, type RowProblem } from './rejected-row.ts'
import type { RowReader, RowResult, TableEvent, TableSpec } from './table.ts'

interface TextLine {
  readonly text: string
  readonly number: number
}

/** A quoted field may hold line breaks, but one that holds more than this was never closed. */
const MAX_LINES_PER_RECORD = 64
const REPLACEMENT_CHARACTER = '\uFFFD'
const UNCLOSED: RowProblem = { reason: 'quotes', column: null, detail: 'a quote is opened and not closed' }
const BAD_BYTES: RowProblem = { reason: 'encoding', column: null, detail: 'bytes that are no text in the declared encoding' }

/**
 * Turns the chunks of one file into rows. Three states.
 *
 * Before the header: the first line is awaited; it fixes the columns or fails the file.
 * Between records: each line is a record by itself, as nearly all are.
 * Inside a record: a quote is open at the end of the line, so the lines after it are joined to it. When what comes of
 * that is no row, only the first line is rejected and the others are read again, so that one stray quote costs one row.
 */
export class TableParser<Column extends string, Row> {
  readonly #spec: TableSpec<Column, Row>
  readonly #file: string
  readonly #splitter: LineSplitter
  #width = 0
  #readRow: RowReader<Row> | undefined
  #open: TextLine[] = []
  #rows = 0
  #rejectedRows = 0

  constructor(spec: TableSpec<Column, Row>, options: { readonly file: string; readonly maxRowBytes: number }) {
    this.#spec = spec
    this.#file = options.file
    this.#splitter = new LineSplitter(options.maxRowBytes)
  }

  get rows(): number {
    return this.#rows
  }

  get rejectedRows(): number {
    return this.#rejectedRows
  }

  push(chunk: Buffer): TableEvent<Row>[] {
    const events: TableEvent<Row>[] = []
    for (const line of this.#splitter.push(chunk)) this.#accept(line, events)
    return events
  }

  /** Reads what is left. Throws `FileEmptyError` when there was not even a header. */
  end(): TableEvent<Row>[] {
    const events: TableEvent<Row>[] = []
    for (const line of this.#splitter.end()) this.#accept(line, events)
    if (this.#readRow === undefined) throw new FileEmptyError(`${this.#file} is empty`, { facts: { file: this.#file } })
    while (this.#open.length > 0) this.#giveUpFirst(events)
    return events
  }

  #accept(line: Line, events: TableEvent<Row>[]): void {
    if (this.#readRow === undefined) this.#acceptHeader(line)
    else if (line.kind === 'too-long') this.#acceptTooLong(line, events)
    else this.#acceptText({ text: decodeText(line.bytes, this.#spec.dialect.encoding), number: line.number }, events)
  }

  #acceptHeader(line: Line): void {
    const { columns, dialect } = this.#spec
    if (line.bytes.length === 0) return
    const header = readHeader(line.bytes, { file: this.#file, columns, dialect })
    this.#width = header.width
    this.#readRow = this.#spec.createRowReader(header.positions)
  }

  #acceptTooLong(line: Line, events: TableEvent<Row>[]): void {
    while (this.#open.length > 0) this.#giveUpFirst(events)
    const detail = `longer than ${line.bytes.length} bytes`
    const start = decodeText(line.bytes.subarray(0, 512), this.#spec.dialect.encoding)
    this.#reject(line.number, { reason: 'too-long', column: null, detail }, { text: start, events })
  }

  #acceptText(line: TextLine, events: TableEvent<Row>[]): void {
    if (this.#open.length > 0) {
      this.#open.push(line)
      this.#tryOpenRecord(events)
    } else if (line.text.trim() !== '') {
      this.#tryLine(line, events)
    }
  }

  #tryLine(line: TextLine, events: TableEvent<Row>[]): void {
    const result = this.#interpret(line.text, line.number)
    if (result === 'open-quote') this.#open = [line]
    else this.#emit(result, { line, text: line.text, events })
  }

  #tryOpenRecord(events: TableEvent<Row>[]): void {
    const [first] = this.#open
    if (first === undefined) return
    const text = this.#open.map((line) => line.text).join('\n')
    const result = this.#interpret(text, first.number)
    if (result === 'open-quote') {
      if (this.#open.length >= MAX_LINES_PER_RECORD) this.#giveUpFirst(events)
    } else if (result.kind === 'problem' && (result.problem.reason === 'quotes' || result.problem.reason === 'field-count')) {
      this.#giveUpFirst(events)
    } else {
      this.#open = []
      this.#emit(result, { line: first, text, events })
    }
  }

  #giveUpFirst(events: TableEvent<Row>[]): void {
    const [first, ...rest] = this.#open
    this.#open = []
    if (first !== undefined) this.#reject(first.number, UNCLOSED, { text: first.text, events })
    for (const line of rest) this.#acceptText(line, events)
  }

  #interpret(text: string, line: number): RowResult<Row> | 'open-quote' {
    const record = parseRecord(text, this.#spec.dialect)
    if (record.kind === 'open-quote') return 'open-quote'
    if (record.kind === 'broken') return problem({ reason: 'quotes', column: null, detail: record.detail })
    if (record.fields.length !== this.#width) {
      return problem({ reason: 'field-count', column: null, detail: `${record.fields.length} fields, the header has ${this.#width}` })
    }
    if (this.#spec.dialect.encoding === 'utf-8' && text.includes(REPLACEMENT_CHARACTER)) return problem(BAD_BYTES)
    return this.#readRow?.(record.fields, this.#position(line)) ?? problem(UNCLOSED)
  }

  #emit(result: RowResult<Row>, context: { readonly line: TextLine; readonly text: string; readonly events: TableEvent<Row>[] }): void {
    if (result.kind === 'problem') return this.#reject(context.line.number, result.problem, context)
    this.#rows++
    context.events.push(result)
  }

  #reject(line: number, why: RowProblem, context: { readonly text: string; readonly events: TableEvent<Row>[] }): void {
    const rejected = toRejectedRow(this.#position(line), why, context.text)
    this.#rows++
    this.#rejectedRows++
    context.events.push({ kind: 'rejected', rejected })
  }

  #position(line: number): RowPosition {
    return { file: this.#file, row: this.#rows + 1, line }
  }
}

function problem(why: RowProblem): { readonly kind: 'problem'; readonly problem: RowProblem } {
  return { kind: 'problem', problem: why }
}
