import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { toError } from '@cidadao/contracts'
import { SourceNotFoundError, SourceUnreadableError, SourceWithoutFilesError } from '../errors.ts'
import type { SourceFile, SourceFiles, WantedFiles } from './source-file.ts'
import type { ResolvedSourceLimits } from './source-limits.ts'
import { openZip } from './zip-source.ts'

const CHUNK_BYTES = 262_144
const ZIP_MAGIC = Buffer.from('PK')
const NAMES_SHOWN = 5

/**
 * The wanted files at `path`: those of a folder or of a ZIP whose names fit, in the order of their names, or the one
 * file itself, whatever its name. A ZIP is known by its content.
 */
export async function findSourceFiles(path: string, wanted: WantedFiles, limits: ResolvedSourceLimits): Promise<SourceFiles> {
  const about = await describePath(path)
  switch (about.kind) {
    case 'folder':
      return findInFolder(path, wanted)
    case 'zip':
      return openZip(path, wanted, limits)
    case 'file':
      return { files: [plainFile(path, about.bytes)], close: () => {} }
  }
}

type PathKind = { readonly kind: 'folder' } | { readonly kind: 'zip' } | { readonly kind: 'file'; readonly bytes: number }

async function describePath(path: string): Promise<PathKind> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return { kind: 'folder' }
    return (await startsAsZip(path)) ? { kind: 'zip' } : { kind: 'file', bytes: stats.size }
  } catch (thrown) {
    throw translateFileError(path, thrown)
  }
}

async function startsAsZip(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const start = Buffer.alloc(ZIP_MAGIC.length)
    await file.read(start, 0, start.length, 0)
    return start.equals(ZIP_MAGIC)
  } finally {
    await file.close()
  }
}

async function findInFolder(folder: string, wanted: WantedFiles): Promise<SourceFiles> {
  try {
    const names = (await readdir(folder)).sort(byCodePoint)
    const found = names.filter((name) => wanted.pattern.test(name))
    if (found.length === 0) throw noFiles(folder, names, wanted)
    const files = found.map(async (name) => plainFile(join(folder, name), (await stat(join(folder, name))).size))
    return { files: await Promise.all(files), close: () => {} }
  } catch (thrown) {
    throw thrown instanceof SourceWithoutFilesError ? thrown : translateFileError(folder, thrown)
  }
}

function plainFile(path: string, bytes: number): SourceFile {
  return {
    name: basename(path),
    bytes,
    expectedCrc32: null,
    open: async () => createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    translate: (thrown) => translateFileError(path, thrown),
  }
}

/** The same order on every machine, whatever its locale. */
export function byCodePoint(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

export function noFiles(source: string, names: readonly string[], wanted: WantedFiles): SourceWithoutFilesError {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''
  const content = names.length === 0 ? 'it is empty' : `it holds ${shown}${more}`
  const message = `${source} has no file named like ${wanted.example}: ${content}`
  return new SourceWithoutFilesError(message, { facts: { source, wanted: wanted.example, files: names.length } })
}

function translateFileError(path: string, thrown: unknown): Error {
  const error = toError(thrown)
  const reason = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  if (reason === 'ENOENT' || reason === 'ENOTDIR') {
    return new SourceNotFoundError(`nothing is at ${path}`, { cause: error, facts: { path } })
  }
  return new SourceUnreadableError(`${path} cannot be read (${reason})`, { cause: error, facts: { path, reason } })
}
