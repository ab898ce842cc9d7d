import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { InfraError } from '@cidadao/contracts'
import { ArchiveUnreadableError } from '../errors.ts'
import { findSourceFiles } from './find-files.ts'
import type { SourceFile } from './source-file.ts'
import { resolveSourceLimits, type SourceLimits } from './source-limits.ts'
import { TableParser } from '../table/table-parser.ts'
import type { FileDigest, TableEvent, TableSpec } from '../table/table.ts'

/** How far a reading has come. */
export interface ReadProgress {
  readonly file: string
  readonly bytesRead: number
  /** Of all files of the source together. */
  readonly totalBytes: number
  readonly rows: number
}

export interface ReadOptions extends SourceLimits {
  /** Stops the reading; what was yielded stays valid. The reader rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called after each chunk of a file. An error that it throws ends the reading. */
  readonly onProgress?: (progress: ReadProgress) => void
}

interface FileContent {
  readonly chunk: Buffer
}

/**
 * Reads all files of one kind at `path`, in batches of the rows that one chunk holds. Memory does not depend on the
 * size of the files. Closes what it opened when the consumer stops early.
 */
export async function* readTableBatches<Column extends string, Row>(
  path: string,
  spec: TableSpec<Column, Row>,
  options: ReadOptions = {},
): AsyncGenerator<readonly TableEvent<Row>[], void> {
  const limits = resolveSourceLimits(pickLimits(options))
  options.signal?.throwIfAborted()
  const source = await findSourceFiles(path, spec.files, limits)
  const totalBytes = source.files.reduce((total, file) => total + file.bytes, 0)
  let bytesRead = 0
  let rows = 0
  try {
    for (const file of source.files) {
      const parser = new TableParser(spec, { file: file.name, maxRowBytes: limits.maxRowBytes })
      const hash = createHash('sha256')
      let bytes = 0
      for await (const { chunk } of readChunks(file, options.signal)) {
        hash.update(chunk)
        bytes += chunk.length
        yield parser.push(chunk)
        options.onProgress?.({ file: file.name, bytesRead: bytesRead + bytes, totalBytes, rows: rows + parser.rows })
      }
      yield parser.end()
      bytesRead += bytes
      rows += parser.rows
      yield [{ kind: 'file', file: digestOf(file, { bytes, sha256: hash.digest('hex'), parser }) }]
    }
  } finally {
    source.close()
  }
}

/** The same, one event at a time. */
export async function* readTable<Column extends string, Row>(
  path: string,
  spec: TableSpec<Column, Row>,
  options: ReadOptions = {},
): AsyncGenerator<TableEvent<Row>, void> {
  for await (const batch of readTableBatches(path, spec, options)) yield* batch
}

async function* readChunks(file: SourceFile, signal: AbortSignal | undefined): AsyncGenerator<FileContent, void> {
  let checksum = 0
  try {
    for await (const chunk of (await file.open()) as AsyncIterable<Buffer>) {
      signal?.throwIfAborted()
      if (file.expectedCrc32 !== null) checksum = crc32(chunk, checksum)
      yield { chunk }
    }
  } catch (thrown) {
    if (signal?.aborted === true || thrown instanceof InfraError) throw thrown
    throw file.translate(thrown)
  }
  if (file.expectedCrc32 !== null && checksum !== file.expectedCrc32) {
    throw new ArchiveUnreadableError(`${file.name} in the ZIP is damaged: its checksum does not match`, { facts: { file: file.name } })
  }
}

interface Reading {
  readonly bytes: number
  readonly sha256: string
  readonly parser: { readonly rows: number; readonly rejectedRows: number }
}

function digestOf(file: SourceFile, { bytes, sha256, parser }: Reading): FileDigest {
  return { name: file.name, bytes, sha256, rows: parser.rows, rejectedRows: parser.rejectedRows }
}

function pickLimits(options: ReadOptions): SourceLimits {
  const { maxRowBytes, maxEntryBytes, maxCompressionRatio, maxEntries } = options
  const entries = Object.entries({ maxRowBytes, maxEntryBytes, maxCompressionRatio, maxEntries })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** One digest for a whole source: that of its file, or of the list of digests and names when there are several. */
export function sourceSha256(files: readonly Pick<FileDigest, 'name' | 'sha256'>[]): string {
  const [only] = files
  if (files.length === 1 && only !== undefined) return only.sha256
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.sha256}  ${file.name}\n`)
  return hash.digest('hex')
}

/** The digest alone, without reading rows: to find out whether a source has changed. */
export async function fingerprintTable<Column extends string, Row>(
  path: string,
  spec: TableSpec<Column, Row>,
  options: ReadOptions = {},
): Promise<string> {
  const source = await findSourceFiles(path, spec.files, resolveSourceLimits(pickLimits(options)))
  try {
    const digests: { name: string; sha256: string }[] = []
    for (const file of source.files) {
      const hash = createHash('sha256')
      for await (const { chunk } of readChunks(file, options.signal)) hash.update(chunk)
      digests.push({ name: file.name, sha256: hash.digest('hex') })
    }
    return sourceSha256(digests)
  } finally {
    source.close()
  }
}
