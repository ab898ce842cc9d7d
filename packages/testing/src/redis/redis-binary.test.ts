import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findRedisBinary } from './redis-binary.ts'

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-path-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function putProgram(folder: string, mode = 0o755): Promise<void> {
  await writeFile(join(folder, 'redis-server'), '#!/bin/sh\n')
  await chmod(join(folder, 'redis-server'), mode)
}

describe('finding redis-server', () => {
  it('takes the first on the path that can be run', async () => {
    const [empty, notRunnable, good] = [await emptyFolder(), await emptyFolder(), await emptyFolder()]
    await putProgram(notRunnable, 0o644)
    await putProgram(good)
    expect(await findRedisBinary({ searchPath: `${empty}::${notRunnable}:${good}`, install: null })).toBe(join(good, 'redis-server'))
  })

  it('installs it once where many look for it at the same moment', async () => {
    const searchPath = await emptyFolder()
    let installations = 0
    const install = async (): Promise<void> => {
      installations += 1
      await putProgram(searchPath)
    }
    const found = await Promise.all([1, 2, 3].map(() => findRedisBinary({ searchPath, install })))
    expect([new Set(found).size, installations]).toEqual([1, 1])
  })

  it('names the one command to run where it may not install', async () => {
    const finding = findRedisBinary({ searchPath: await emptyFolder(), install: null })
    await expect(finding).rejects.toMatchObject({ code: 'TESTING_REDIS_MISSING' })
    await expect(finding).rejects.toThrow('apt-get update && apt-get install -y --no-install-recommends redis-server')
  })

  it('says so where the installation did not help', async () => {
    const finding = findRedisBinary({ searchPath: await emptyFolder(), install: () => Promise.resolve() })
    await expect(finding).rejects.toThrow('it was installed but is not on the PATH')
  })
})
