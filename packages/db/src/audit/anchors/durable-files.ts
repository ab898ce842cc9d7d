import { open } from 'node:fs/promises'
import { hasCode } from '@cidadao/contracts'
import { AnchorUnavailableError } from './anchor-errors.ts'

/** Makes names in a folder survive a power cut, where the system can: Windows cannot open folders. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!hasCode(error, 'EISDIR') && !hasCode(error, 'EPERM') && !hasCode(error, 'EINVAL')) throw error
  }
}

/** Turns what the file system refuses into the anchor's own error; everything else passes. */
export async function withFileErrors<T>(anchor: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw new AnchorUnavailableError(anchor, 'its files cannot be read or written', error)
    throw error
  }
}
