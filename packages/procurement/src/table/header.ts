import { HeaderMismatchError, WrongEncodingError } from '../errors.ts'
import { decodeText, parseRecord, type CsvDialect } from './csv-dialect.ts'

/** Column name → position, for the columns that a reader asked for. */
export type ColumnPositions<Column extends string> = Readonly<Record<Column, number>>

export interface Header<Column extends string> {
  readonly positions: ColumnPositions<Column>
  /** How many fields every row must have. */
  readonly width: number
}

export interface HeaderExpectation<Column extends string> {
  readonly file: string
  readonly columns: readonly Column[]
  readonly dialect: CsvDialect
}

const UTF8_BOM = Buffer.from([0xef, 0xbb, 0xbf])
const DELIMITERS = [';', ',', '\t', '|'] as const

/**
 * Finds the wanted columns by name, in any order; further columns are allowed. Throws `WrongEncodingError` or
 * `HeaderMismatchError`, naming file and column.
 */
export function readHeader<Column extends string>(line: Buffer, expectation: HeaderExpectation<Column>): Header<Column> {
  const { file, columns, dialect } = expectation
  const names = headerNames(withoutBom(line, expectation), dialect)
  const missing = columns.filter((column) => !names.includes(column))
  if (missing.length > 0) throw explainMissing(missing, names, { line, expectation })
  const repeated = columns.find((column) => names.indexOf(column) !== names.lastIndexOf(column))
  if (repeated !== undefined) throw mismatch(file, repeated, `${file}: column "${repeated}" appears twice in the header`)
  const positions = Object.fromEntries(columns.map((column) => [column, names.indexOf(column)])) as Record<Column, number>
  return { positions, width: names.length }
}

function headerNames(line: Buffer, dialect: CsvDialect): readonly string[] {
  const record = parseRecord(decodeText(line, dialect.encoding), dialect)
  return record.kind === 'fields' ? record.fields.map((name) => name.trim()) : []
}

function withoutBom(line: Buffer, { file, dialect }: HeaderExpectation<string>): Buffer {
  const found = detectForeignEncoding(line)
  if (found === undefined) return line
  if (found === 'UTF-8' && dialect.encoding === 'utf-8') return line.subarray(UTF8_BOM.length)
  throw wrongEncoding(file, found, dialect)
}

function detectForeignEncoding(line: Buffer): 'UTF-8' | 'UTF-16' | undefined {
  if (line.subarray(0, 3).equals(UTF8_BOM)) return 'UTF-8'
  const [first, second] = line
  const hasBom = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  return hasBom || line.includes(0) ? 'UTF-16' : undefined
}

function wrongEncoding(file: string, found: string, dialect: CsvDialect): WrongEncodingError {
  const declared = dialect.encoding.toUpperCase()
  const message = `${file} is in ${found}, but its source publishes ${declared}; take the original file, or convert it to ${declared}`
  return new WrongEncodingError(message, { facts: { file, found, declared } })
}

interface MissingContext {
  readonly line: Buffer
  readonly expectation: HeaderExpectation<string>
}

/** Columns are missing for one of three reasons; each is mended in another way, so they are told apart. */
function explainMissing(missing: readonly string[], names: readonly string[], { line, expectation }: MissingContext): Error {
  const { file, columns, dialect } = expectation
  const other: CsvDialect = { ...dialect, encoding: dialect.encoding === 'utf-8' ? 'iso-8859-1' : 'utf-8' }
  const otherNames = headerNames(line, other)
  if (columns.every((column) => otherNames.includes(column))) return wrongEncoding(file, other.encoding.toUpperCase(), dialect)
  const [column = ''] = missing
  const text = decodeText(line, dialect.encoding)
  const used = DELIMITERS.find((delimiter) => delimiter !== dialect.delimiter && text.split(delimiter).length >= columns.length)
  if (names.length < 2 && used !== undefined) {
    return mismatch(file, column, `${file} separates its columns by ${JSON.stringify(used)}, but its source by "${dialect.delimiter}"`)
  }
  const unknown = names.filter((name) => !columns.includes(name)).slice(0, 5)
  const hint = unknown.length === 0 ? '' : `; columns not known here: ${unknown.map((name) => `"${name.slice(0, 40)}"`).join(', ')}`
  const more = missing.length === 1 ? '' : ` and ${missing.length - 1} more`
  return mismatch(file, column, `${file}: column "${column}"${more} is missing from the header${hint}`)
}

function mismatch(file: string, column: string, message: string): HeaderMismatchError {
  return new HeaderMismatchError(message, { facts: { file, column } })
}
