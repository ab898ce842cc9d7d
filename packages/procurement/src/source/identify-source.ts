import { createHash } from 'node:crypto'
import { InfraError } from '@cidadao/contracts'
import { PORTAL_CONTRACTS } from '../contracts/portal-contracts.ts'
import { fingerprintSnapshot, isSnapshot } from '../contracts/contract-snapshot.ts'
import { FileEmptyError, HeaderMismatchError, SourceMixedError, SourceWithoutFilesError, WrongEncodingError } from '../errors.ts'
import { PORTAL_ITEMS } from '../items/portal-items.ts'
import { PRICE_REGISTER } from '../items/price-register.ts'
import { INSTITUTE_CONTRACTS } from '../purchases/institute-contracts.ts'
import { INSTITUTE_PURCHASES } from '../purchases/institute-purchases.ts'
import { readHeader } from '../table/header.ts'
import { LineSplitter } from '../table/line-splitter.ts'
import type { TableSpec } from '../table/table.ts'
import { findSourceFiles } from './find-files.ts'
import { fingerprintTable, type ReadOptions } from './read-table.ts'
import type { SourceFile } from './source-file.ts'
import { resolveSourceLimits } from './source-limits.ts'

/** What a source may hold that rules are run over. */
export const SOURCE_TABLES = ['portal-contracts', 'portal-items', 'institute-purchases', 'institute-contracts', 'price-register'] as const
export type SourceTable = (typeof SOURCE_TABLES)[number]

type AnySpec = Pick<TableSpec<string, unknown>, 'files' | 'dialect' | 'columns' | 'createRowReader'>

const SPECS: Readonly<Record<SourceTable, AnySpec>> = {
  'portal-contracts': PORTAL_CONTRACTS,
  'portal-items': PORTAL_ITEMS,
  'institute-purchases': INSTITUTE_PURCHASES,
  'institute-contracts': INSTITUTE_CONTRACTS,
  'price-register': PRICE_REGISTER,
}

const OF_PORTAL: readonly SourceTable[] = ['portal-contracts', 'portal-items']

/**
 * Which tables are at `source`, known by names and headers: names alone do not tell a file of the Portal from one of
 * an institute. Reads the first line of each file and nothing else.
 *
 * @throws whatever is wrong with a file whose name fits and whose header fits no table; SourceMixedError when files of
 * the Portal and of an institute lie together, since their names overlap
 */
export async function identifySource(source: string, options: Pick<ReadOptions, 'signal'> = {}): Promise<readonly SourceTable[]> {
  if (isSnapshot(source)) return ['portal-contracts']
  const found = new Set<SourceTable>()
  const refused = new Map<string, InfraError>()
  const accepted = new Set<string>()
  for (const table of SOURCE_TABLES) {
    options.signal?.throwIfAborted()
    for (const { name, problem } of await examine(source, SPECS[table])) {
      if (problem === undefined) accepted.add(name)
      else if (!refused.has(name)) refused.set(name, problem)
      if (problem === undefined) found.add(table)
    }
  }
  for (const [name, problem] of refused) if (!accepted.has(name)) throw problem
  if (found.size === 0) throw await nothingIn(source)
  const tables = SOURCE_TABLES.filter((table) => found.has(table))
  const ofPortal = tables.filter((table) => OF_PORTAL.includes(table))
  if (ofPortal.length > 0 && ofPortal.length < tables.length) {
    throw new SourceMixedError(`${source} holds files of the Portal and of an institute; give each a folder of its own`, {
      facts: { source },
    })
  }
  return tables
}

interface Examined {
  readonly name: string
  /** Why the file is not this table; undefined where it is. */
  readonly problem: InfraError | undefined
}

async function examine(source: string, spec: AnySpec): Promise<readonly Examined[]> {
  try {
    const found = await findSourceFiles(source, spec.files, resolveSourceLimits())
    try {
      const examined: Examined[] = []
      for (const file of found.files) examined.push({ name: file.name, problem: await headerProblem(file, spec) })
      return examined
    } finally {
      found.close()
    }
  } catch (thrown) {
    if (thrown instanceof SourceWithoutFilesError) return []
    throw thrown
  }
}

async function headerProblem(file: SourceFile, { columns, dialect }: AnySpec): Promise<InfraError | undefined> {
  try {
    readHeader(await firstLine(file), { file: file.name, columns, dialect })
    return undefined
  } catch (thrown) {
    if (thrown instanceof HeaderMismatchError || thrown instanceof WrongEncodingError || thrown instanceof FileEmptyError) return thrown
    throw thrown
  }
}

async function firstLine(file: SourceFile): Promise<Buffer> {
  const splitter = new LineSplitter(resolveSourceLimits().maxRowBytes)
  const stream = await file.open()
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) for (const { bytes } of splitter.push(chunk)) return bytes
  } catch (thrown) {
    throw thrown instanceof InfraError ? thrown : file.translate(thrown)
  } finally {
    stream.destroy()
  }
  for (const { bytes } of splitter.end()) return bytes
  throw new FileEmptyError(`${file.name} is empty`, { facts: { file: file.name } })
}

/** In the words of the loader of contracts, which is what most people mean. */
async function nothingIn(source: string): Promise<Error> {
  try {
    const files = await findSourceFiles(source, PORTAL_CONTRACTS.files, resolveSourceLimits())
    files.close()
    return new SourceWithoutFilesError(`${source} has no file that is known here`, { facts: { source } })
  } catch (thrown) {
    return thrown as Error
  }
}

/** What a source is, without reading its rows: to find out whether it has changed. */
export interface SourceFingerprint {
  /** Of its one table, or of the list of all; the same for a folder and for a ZIP of it. */
  readonly sha256: string
  readonly tables: Readonly<Partial<Record<SourceTable, string>>>
}

/** Hashes every table of a source. */
export async function fingerprintSource(source: string, options: ReadOptions = {}): Promise<SourceFingerprint> {
  const found: (readonly [SourceTable, string])[] = []
  for (const table of await identifySource(source, options)) {
    found.push([
      table,
      isSnapshot(source) ? await fingerprintSnapshot(source, options) : await fingerprintTable(source, SPECS[table], options),
    ])
  }
  const [only] = found
  const hash = createHash('sha256')
  for (const [table, sha256] of found) hash.update(`${sha256}  ${table}\n`)
  return { sha256: found.length === 1 && only !== undefined ? only[1] : hash.digest('hex'), tables: Object.fromEntries(found) }
}
