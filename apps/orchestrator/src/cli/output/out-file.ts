import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { hasCode, toError } from '@cidadao/contracts'
import type { CommandContext } from '../command-context.ts'
import { UsageError } from '../errors.ts'

/** A file that will be written at the end, known to be writable from the beginning. */
export interface OutFile {
  write(text: string): Promise<void>
  /** Removes what was begun; does nothing after `write`. */
  discard(): Promise<void>
}

/**
 * Looks whether `path` can be written by writing beside it: an hour of work must not end in a wrong path. What was at
 * `path` stays there until the new content is complete. @throws UsageError
 */
export async function openOutFile(path: string): Promise<OutFile> {
  try {
    const target = await resolveTarget(path)
    if (target.kind === 'device') return { write: (text) => writeFile(target.path, text), discard: async () => {} }
    const draft = join(dirname(target.path), `.${basename(target.path)}.${randomBytes(6).toString('hex')}`)
    await (await open(draft, 'wx')).close()
    return {
      write: async (text) => {
        await writeFile(draft, text)
        await rename(draft, target.path)
      },
      discard: () => rm(draft, { force: true }),
    }
  } catch (thrown) {
    throw new UsageError(`--out: cannot write ${path} (${reasonOf(thrown)}); name a file in a folder that exists and is writable`, {
      cause: thrown,
    })
  }
}

/** A device, say `/dev/stdout`, cannot be replaced by a finished file; through a link, its target is. */
async function resolveTarget(path: string): Promise<{ readonly kind: 'file' | 'device'; readonly path: string }> {
  try {
    const real = await realpath(path)
    const stats = await stat(real)
    if (stats.isDirectory()) throw new UsageError('it is a folder')
    if (stats.isFile()) await (await open(real, 'r+')).close()
    return { kind: stats.isFile() ? 'file' : 'device', path: real }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'file', path: resolve(path) }
    throw error
  }
}

function reasonOf(thrown: unknown): string {
  if (hasCode(thrown, 'ENOENT') || hasCode(thrown, 'ENOTDIR')) return 'its folder does not exist'
  if (hasCode(thrown, 'EACCES') || hasCode(thrown, 'EPERM')) return 'permission denied'
  if (hasCode(thrown, 'EROFS')) return 'its file system is read-only'
  return toError(thrown).message
}

/** Writes a whole text to the file that the caller named, and says so. @throws UsageError */
export async function writeOutFile(
  text: string,
  path: string,
  { terminal, texts }: Pick<CommandContext, 'terminal' | 'texts'>,
): Promise<void> {
  const out = await openOutFile(path)
  try {
    await out.write(text)
  } finally {
    await out.discard()
  }
  terminal.err(texts.savedTo(path))
}
