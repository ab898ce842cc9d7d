import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode } from '@cidadao/contracts'
import { KEPT, type AnchorReceipt, type AnchorSink, type AnchorSubmission } from './anchor-sink.ts'
import { syncFolder, withFileErrors } from './durable-files.ts'
import { claimedCheckpoint, isNews } from './note-comparison.ts'

export interface DirectoryAnchorOptions {
  /** @default 'directory' */
  readonly name?: string
  /** A folder on another disk or machine than the database, best one where its owner may add and not change files. */
  readonly path: string
}

/** 2^53 has sixteen digits; cut in fours, no folder gets more than ten thousand names. */
const DIGITS = 16
const GROUP = /\d{4}/gu
const FOLDER = /^\d{4}$/u
const FILE = /^\d{4}\.note$/u
const SUFFIX = '.note'

/**
 * A file for each checkpoint, named after its size: `0000/0000/0012/3456.note`. Written under another name and then
 * linked to its own: it appears whole or not at all, and what is there is never replaced.
 */
export function createDirectoryAnchor(options: DirectoryAnchorOptions): AnchorSink {
  const { path: root, name = 'directory' } = options
  return {
    name,
    latest: () =>
      withFileErrors(name, async () => {
        const note = await newestIn(root, 0)
        return note === undefined ? { kind: 'nothing' } : { kind: 'note', note }
      }),
    put: ({ note }: AnchorSubmission) => withFileErrors(name, () => add(name, root, note)),
  }
}

async function add(name: string, root: string, note: string): Promise<AnchorReceipt> {
  if (!isNews(name, await newestIn(root, 0), note)) return KEPT
  const path = `${join(root, ...pathOf(claimedCheckpoint(note).size))}${SUFFIX}`
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    await writeDurably(draft, note)
    await link(draft, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    // Another process put a checkpoint of this size: the same history, or this throws.
    isNews(name, await readFile(path, 'utf8'), note)
  } finally {
    await rm(draft, { force: true })
  }
  await syncFolder(dirname(path))
  return KEPT
}

/** Goes down into the greatest name of each level; an empty folder is what a crash may leave. */
async function newestIn(folder: string, depth: number): Promise<string | undefined> {
  const isFileLevel = depth === DIGITS / 4 - 1
  const names = (await namesIn(folder)).filter((name) => (isFileLevel ? FILE : FOLDER).test(name)).sort()
  for (const name of names.toReversed()) {
    const path = join(folder, name)
    const note = isFileLevel ? await readFile(path, 'utf8') : await newestIn(path, depth + 1)
    if (note !== undefined) return note
  }
  return undefined
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

function pathOf(size: number): readonly string[] {
  return String(size).padStart(DIGITS, '0').match(GROUP) ?? []
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o644)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
