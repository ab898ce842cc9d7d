import type { Hash as HashStream } from 'node:crypto'
import { AuditFormatError } from '../audit-errors.ts'
import { EXPORT_END_FORMAT, EXPORT_FORMAT, type ExportFooter, type ExportHeader } from './export-format.ts'

export interface ExportLine {
  readonly text: string
  /** With its line feed. */
  readonly bytes: number
  /** Whether a line feed ended it; only the last line may lack it, in a file that was broken off. */
  readonly isWhole: boolean
}

const LINE_FEED = 0x0a
/** A header with a note of a mebibyte still fits. */
const MAX_LINE_BYTES = 4 * 1_048_576

/** Cuts a stream of bytes into lines, at line feeds alone; memory does not grow with it. Hashes what passes, if asked. */
export async function* readLines(source: AsyncIterable<unknown>, hash?: HashStream): AsyncGenerator<ExportLine, void, undefined> {
  let rest: Uint8Array = Buffer.alloc(0)
  for await (const piece of source) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array)
    hash?.update(chunk)
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED, start)) {
      yield toLine(rest.subarray(start, end), 'whole')
      start = end + 1
    }
    rest = rest.subarray(start)
    if (rest.length > MAX_LINE_BYTES) throw malformed(`a line has at most ${MAX_LINE_BYTES} bytes`)
  }
  if (rest.length > 0) yield toLine(rest, 'torn')
}

/** Throws `AuditFormatError` where the line is not the first of an export. */
export function parseHeader(text: string): ExportHeader {
  const header = parse(text) as Partial<ExportHeader> | undefined
  const isRight = header?.format === EXPORT_FORMAT && isNumber(header.from) && isNumber(header.to) && typeof header.origin === 'string'
  if (!isRight || !Array.isArray(header.vkeys)) throw malformed(`the first line is a header of the format ${EXPORT_FORMAT}`)
  return header as ExportHeader
}

/** Throws `AuditFormatError` where the line is not the last of an export. */
export function parseFooter(text: string): ExportFooter {
  const footer = parse(text) as Partial<ExportFooter> | undefined
  const isRight = footer?.format === EXPORT_END_FORMAT && isNumber(footer.count) && typeof footer.hash_chain === 'string'
  if (!isRight) throw malformed(`the last line is a footer of the format ${EXPORT_END_FORMAT}`)
  return footer as ExportFooter
}

/** A payload never has a member `format` at its top. */
export function isFooter(text: string): boolean {
  return (parse(text) as Partial<ExportFooter> | undefined)?.format === EXPORT_END_FORMAT
}

function toLine(bytes: Uint8Array, end: 'whole' | 'torn'): ExportLine {
  return { text: Buffer.from(bytes).toString(), bytes: bytes.length + (end === 'whole' ? 1 : 0), isWhole: end === 'whole' }
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`export: ${rule}`, { facts: { format: 'export', rule } })
}
