import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../test/temp-folder.ts'
import { withFileLock } from './file-lock.ts'

describe('a file lock', () => {
  it('lets one in at a time, and all in the end', async () => {
    const lockFile = join(await tempFolder(), 'lock')
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
    }
    await Promise.all([1, 2, 3, 4].map(() => withFileLock(lockFile, { waitMs: 5_000 }, work)))
    expect([most, inside]).toEqual([1, 0])
  })

  it('is given back when the work fails', async () => {
    const folder = await tempFolder()
    const failing = withFileLock(join(folder, 'lock'), { waitMs: 100 }, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await readdir(folder)).toEqual([])
  })

  it('is taken over from a holder that died', async () => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: process.pid, startTicks: '1' }))
    await expect(withFileLock(join(folder, 'lock'), { waitMs: 1_000 }, () => Promise.resolve('in'))).resolves.toBe('in')
    expect(await readdir(folder)).toEqual([])
  })

  it('is not taken from a holder that lives', async () => {
    const lockFile = join(await tempFolder(), 'lock')
    const outcome = withFileLock(lockFile, { waitMs: 5_000 }, () =>
      withFileLock(lockFile, { waitMs: 30 }, () => Promise.resolve('in')).catch((error: unknown) => error),
    )
    expect(await outcome).toMatchObject({ code: 'POSTGRES_SERVER_FOLDER_BUSY' })
  })

  it('stops waiting when it is told to', async () => {
    const lockFile = join(await tempFolder(), 'lock')
    const abort = new AbortController()
    abort.abort(new Error('stop waiting'))
    const outcome = withFileLock(lockFile, { waitMs: 5_000 }, () =>
      withFileLock(lockFile, { waitMs: 5_000, signal: abort.signal }, () => Promise.resolve()).catch((error: unknown) => error),
    )
    expect(await outcome).toMatchObject({ message: 'stop waiting' })
  })
})
