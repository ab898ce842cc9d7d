import { constants } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from '@cidadao/contracts'
import { KEPT, type AnchorHead, type AnchorReceipt, type AnchorSink, type AnchorSubmission } from './anchor-sink.ts'
import { syncFolder, withFileErrors } from './durable-files.ts'
import { claimedCheckpoint, isNews } from './note-comparison.ts'

export interface FileAnchorOptions {
  /** @default 'file' */
  readonly name?: string
  /** A file on another disk or machine than the database, best one that its owner cannot write. */
  readonly path: string
}

/** Enough for thousands of notes: several processes write them nearly, but not exactly, in order. */
const TAIL_BYTES = 262_144
const PUBLIC_READ = 0o644

/**
 * One file that only grows: a JSON line `{"note": …}` for each checkpoint, on disk before `put` resolves. A line that a
 * crash tore is left behind and skipped; the next one begins on a line of its own.
 */
export function createFileAnchor(options: FileAnchorOptions): AnchorSink {
  const { path, name = 'file' } = options
  return {
    name,
    latest: () => withFileErrors(name, async () => toHead(await newestIn(path))),
    put: ({ note }: AnchorSubmission) => withFileErrors(name, () => append(name, path, note)),
  }
}

async function append(name: string, path: string, note: string): Promise<AnchorReceipt> {
  if (!isNews(name, await newestIn(path), note)) return KEPT
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, PUBLIC_READ)
  try {
    const { size } = await file.stat()
    const torn = size > 0 && (await readRange(file, size - 1, size)) !== '\n'
    // One write, which O_APPEND puts whole behind what others wrote meanwhile.
    await file.write(Buffer.from(`${torn ? '\n' : ''}${JSON.stringify({ note })}\n`))
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(path))
  return KEPT
}

/** The note of the largest tree near the end of the file. */
async function newestIn(path: string): Promise<string | undefined> {
  let newest: { readonly size: number; readonly note: string } | undefined
  for (const line of (await readTail(path)).split('\n')) {
    const found = toNote(line)
    if (found !== undefined && (newest === undefined || found.size > newest.size)) newest = found
  }
  return newest?.note
}

async function readTail(path: string): Promise<string> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
  try {
    const { size } = await file.stat()
    return await readRange(file, Math.max(0, size - TAIL_BYTES), size)
  } finally {
    await file.close()
  }
}

async function readRange(file: FileHandle, from: number, to: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from)
  return buffer.toString('utf8', 0, bytesRead)
}

/** Undefined for a torn line, for the first of the range, which may be half a line, and for foreign text. */
function toNote(line: string): { readonly size: number; readonly note: string } | undefined {
  try {
    const { note } = JSON.parse(line) as { readonly note: string }
    return { note, size: claimedCheckpoint(note).size }
  } catch {
    return undefined
  }
}

function toHead(note: string | undefined): AnchorHead {
  return note === undefined ? { kind: 'nothing' } : { kind: 'note', note }
}
