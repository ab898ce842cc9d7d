import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { open, type Entry, type ZipFile } from 'yauzl'
import { InfraError, toError } from '@cidadao/contracts'
import { ArchiveLimitError, ArchiveUnreadableError } from '../errors.ts'
import { byCodePoint, noFiles } from './find-files.ts'
import type { SourceFile, SourceFiles, WantedFiles } from './source-file.ts'
import type { ResolvedSourceLimits } from './source-limits.ts'

/** However tightly packed, so little costs nothing to read. */
const HARMLESS_BYTES = 16_777_216

/**
 * The wanted files of a ZIP, found in its central directory and later streamed one by one; nothing is written to
 * disk. What an entry claims is checked against the limits before it is unpacked, and the unpacker stops at the
 * claimed size, so a bomb costs nothing.
 */
export async function openZip(path: string, wanted: WantedFiles, limits: ResolvedSourceLimits): Promise<SourceFiles> {
  const archive = await openArchive(path)
  try {
    const entries = await listEntries(archive, path, limits)
    const names = entries.map((entry) => entry.fileName).sort(byCodePoint)
    const found = entries.filter((entry) => wanted.pattern.test(posix.basename(entry.fileName)))
    if (found.length === 0) throw noFiles(path, names, wanted)
    for (const entry of found) assertHarmless(entry, path, limits)
    const files = found.map((entry) => zippedFile(archive, entry, path)).sort((left, right) => byCodePoint(left.name, right.name))
    return { files, close: () => archive.close() }
  } catch (thrown) {
    archive.close()
    throw translateZipError(path, thrown)
  }
}

function openArchive(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true }, (error: Error | null, archive?: ZipFile) => {
      if (archive === undefined) reject(translateZipError(path, error))
      else resolve(archive)
    })
  })
}

function listEntries(archive: ZipFile, path: string, limits: ResolvedSourceLimits): Promise<Entry[]> {
  const { maxEntries } = limits
  return new Promise((resolve, reject) => {
    const entries: Entry[] = []
    if (archive.entryCount > maxEntries) {
      reject(limitError(path, `lists ${archive.entryCount} files, more than maxEntries = ${maxEntries}`))
      return
    }
    archive.on('entry', (entry: Entry) => {
      entries.push(entry)
      archive.readEntry()
    })
    archive.on('end', () => resolve(entries))
    archive.on('error', reject)
    archive.readEntry()
  })
}

function assertHarmless(entry: Entry, path: string, limits: ResolvedSourceLimits): void {
  const { maxEntryBytes, maxCompressionRatio } = limits
  const { fileName, uncompressedSize, compressedSize } = entry
  if (entry.isEncrypted()) throw new ArchiveUnreadableError(`${path}: ${fileName} is encrypted`, { facts: { path, entry: fileName } })
  if (uncompressedSize > maxEntryBytes) {
    throw limitError(path, `holds ${fileName} of ${uncompressedSize} bytes, more than maxEntryBytes = ${maxEntryBytes}`)
  }
  if (uncompressedSize > HARMLESS_BYTES && uncompressedSize > compressedSize * maxCompressionRatio) {
    throw limitError(path, `holds ${fileName} packed more than maxCompressionRatio = ${maxCompressionRatio} to 1`)
  }
}

function limitError(path: string, what: string): ArchiveLimitError {
  return new ArchiveLimitError(`${path} ${what}`, { facts: { path } })
}

function zippedFile(archive: ZipFile, entry: Entry, path: string): SourceFile {
  return {
    name: posix.basename(entry.fileName),
    bytes: entry.uncompressedSize,
    expectedCrc32: entry.crc32,
    open: () => openEntry(archive, entry),
    translate: (thrown) => translateZipError(path, thrown),
  }
}

function openEntry(archive: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    archive.openReadStream(entry, (error: Error | null, stream?: Readable) => {
      if (stream === undefined) reject(toError(error))
      else resolve(stream)
    })
  })
}

function translateZipError(path: string, thrown: unknown): Error {
  if (thrown instanceof InfraError) return thrown
  const cause = toError(thrown)
  return new ArchiveUnreadableError(`${path} is not a readable ZIP: ${cause.message}`, { cause, facts: { path } })
}
