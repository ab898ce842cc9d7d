import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { toError } from '@cidadao/contracts'
import { SnapshotInvalidError, SourceNotFoundError, SourceUnreadableError } from '../errors.ts'
import type { ReadOptions } from '../source/read-table.ts'
import type { FileDigest } from '../table/table.ts'
import { formatIsoDate, parseIsoDate, type CivilDate } from '../values/civil-date.ts'
import { IDENTIFIER_CHECKS } from '../values/identifiers.ts'
import { formatMoney, parseDecimalMoney, type Money } from '../values/money.ts'
import { SUPPLIER_KINDS, type ContractFacts, type PublicBody, type Supplier } from './contract.ts'

const FORMAT = 'cidadao-contracts-1'
const ENDING = '.contracts.jsonl'

/** Whether a path names contracts kept by `writeSnapshot`, which have a format of their own. */
export function isSnapshot(path: string): boolean {
  return basename(path).endsWith(ENDING)
}

/** A file name for contracts that came over the network, to be kept and read again. */
export function snapshotName(label: string): string {
  return `${label.replaceAll(/[^\w.-]/g, '_')}${ENDING}`
}

/**
 * Keeps contracts that came over the network, one a line and CPFs masked, so that every rule reads the same ones, and so
 * that what was found can be looked up again. Returns how many there were.
 */
export async function writeSnapshot(path: string, contracts: AsyncIterable<ContractFacts>, signal?: AbortSignal): Promise<number> {
  let count = 0
  const lines = async function* (): AsyncGenerator<string, void> {
    yield `${JSON.stringify({ format: FORMAT })}\n`
    for await (const contract of contracts) {
      count++
      yield `${toLine(contract)}\n`
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path, { mode: 0o600 }), signal === undefined ? {} : { signal })
  return count
}

/** Gives each contract to `use`, and tells what the file was. @throws SnapshotInvalidError where a line is not one that `writeSnapshot` wrote */
export async function scanSnapshot(path: string, options: ReadOptions, use: (contract: ContractFacts) => void): Promise<FileDigest> {
  const hash = createHash('sha256')
  let bytes = 0
  let rows = -1
  const input = createReadStream(path)
  input.on('data', (chunk) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      options.signal?.throwIfAborted()
      if (++rows === 0) requireFormat(line, path)
      else use(fromLine(line, { path, line: rows + 1 }))
    }
  } catch (thrown) {
    throw options.signal?.aborted === true ? thrown : translate(path, thrown)
  } finally {
    input.destroy()
  }
  if (rows === -1) throw invalid(path, 1)
  return { name: basename(path), bytes, sha256: hash.digest('hex'), rows, rejectedRows: 0 }
}

/** The sha256 that `scanSnapshot` would report. */
export async function fingerprintSnapshot(path: string, options: Pick<ReadOptions, 'signal'> = {}): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      options.signal?.throwIfAborted()
      hash.update(chunk)
    }
  } catch (thrown) {
    throw options.signal?.aborted === true ? thrown : translate(path, thrown)
  }
  return hash.digest('hex')
}

function toLine({ signedOn, publishedOn, initialValue, finalValue, ...rest }: ContractFacts): string {
  const { file, row, line, number, modality, legalBasis, superiorOrgan, organ, unit, supplier } = rest
  const dates = { signedOn: isoOrNull(signedOn), publishedOn: isoOrNull(publishedOn) }
  const values = { initialValue: formatMoney(initialValue), finalValue: formatMoney(finalValue) }
  return JSON.stringify({ file, row, line, number, modality, legalBasis, superiorOrgan, organ, unit, ...dates, supplier, ...values })
}

type Fields = Readonly<Record<string, unknown>>

interface Place {
  readonly path: string
  readonly line: number
}

function fromLine(text: string, place: Place): ContractFacts {
  const fields = fieldsOf(parse(text, place), place)
  const textOf = (name: string): string => requireText(fields[name], place)
  const countOf = (name: string): number => {
    const value = fields[name]
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw invalid(place.path, place.line)
    return value
  }
  return {
    file: textOf('file'),
    row: countOf('row'),
    line: countOf('line'),
    number: textOf('number'),
    modality: textOf('modality'),
    legalBasis: textOf('legalBasis'),
    superiorOrgan: bodyOf(fields.superiorOrgan, place),
    organ: bodyOf(fields.organ, place),
    unit: bodyOf(fields.unit, place),
    signedOn: dateOf(fields.signedOn, place),
    publishedOn: dateOf(fields.publishedOn, place),
    supplier: supplierOf(fields.supplier, place),
    initialValue: moneyOf(fields.initialValue, place),
    finalValue: moneyOf(fields.finalValue, place),
  }
}

function requireFormat(text: string, path: string): void {
  const place = { path, line: 1 }
  if (fieldsOf(parse(text, place), place).format !== FORMAT) throw invalid(path, 1)
}

function parse(text: string, { path, line }: Place): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(path, line, cause)
  }
}

function fieldsOf(value: unknown, { path, line }: Place): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, line)
  return value as Fields
}

function requireText(value: unknown, { path, line }: Place): string {
  if (typeof value !== 'string') throw invalid(path, line)
  return value
}

function bodyOf(value: unknown, place: Place): PublicBody {
  const { code, name } = fieldsOf(value, place)
  return { code: requireText(code, place), name: requireText(name, place) }
}

function supplierOf(value: unknown, place: Place): Supplier {
  const fields = fieldsOf(value, place)
  const kind = SUPPLIER_KINDS.find((candidate) => candidate === fields.kind)
  const check = IDENTIFIER_CHECKS.find((candidate) => candidate === fields.check)
  if (kind === undefined || check === undefined) throw invalid(place.path, place.line)
  return { kind, code: requireText(fields.code, place), name: requireText(fields.name, place), check }
}

function dateOf(value: unknown, place: Place): CivilDate | null {
  if (value === null) return null
  const date = parseIsoDate(requireText(value, place))
  if (date === undefined) throw invalid(place.path, place.line)
  return date
}

function moneyOf(value: unknown, place: Place): Money {
  const money = parseDecimalMoney(requireText(value, place))
  if (money === undefined) throw invalid(place.path, place.line)
  return money
}

function isoOrNull(date: CivilDate | null): string | null {
  return date === null ? null : formatIsoDate(date)
}

function invalid(path: string, line: number, cause?: unknown): SnapshotInvalidError {
  const file = basename(path)
  return new SnapshotInvalidError(`${file}:${line} is no contract as they are kept here; fetch them again`, {
    cause,
    facts: { file, line },
  })
}

function translate(path: string, thrown: unknown): Error {
  const error = toError(thrown)
  if (!('code' in error) || typeof error.code !== 'string' || !/^E[A-Z]+$/.test(error.code)) return error
  const facts = { path, reason: error.code }
  if (error.code === 'ENOENT') return new SourceNotFoundError(`nothing is at ${path}`, { cause: error, facts })
  return new SourceUnreadableError(`${path} cannot be read (${error.code})`, { cause: error, facts })
}
