import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { findPostmaster, removeMisleadingFile } from '../src/postmaster/postmaster-file.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'
import { existsSync, readlinkSync } from 'node:fs'

describe("a server's own file", () => {
  let clusterDir: string
  const write = (pid: number | string, state: string): Promise<void> =>
    writeFile(join(clusterDir, 'postmaster.pid'), `${String(pid)}\n${clusterDir}\n1700000000\n54321\n\n127.0.0.1\n 1 2\n${state}\n`)

  beforeEach(async () => {
    clusterDir = await realpath(await tempFolder())
  })

  async function processIn(folder: string): Promise<number> {
    const child = spawn('sleep', ['60'], { cwd: folder, stdio: 'ignore' })
    onTestFinished(() => void child.kill())
    await once(child, 'spawn')
    const { pid = 0 } = child
    await until(() => readlinkSync(`/proc/${String(pid)}/cwd`) === folder)
    return pid
  }

  it.each([
    ['starting', 'starting'],
    ['ready   ', 'ready'],
    ['standby ', 'ready'],
    ['stopping', 'stopping'],
    ['', 'starting'],
  ])('says %j and means %s', async (text, state) => {
    const pid = await processIn(clusterDir)
    await write(pid, text)
    expect(await findPostmaster(clusterDir)).toMatchObject({ state, port: 54_321, process: { pid } })
  })

  it('counts for nothing where it is missing, broken, or of a process that is gone or elsewhere', async () => {
    expect(await findPostmaster(clusterDir)).toBeUndefined()
    await write('not a number', 'ready')
    expect(await findPostmaster(clusterDir)).toBeUndefined()
    await write(2 ** 22 + 1, 'ready')
    expect(await findPostmaster(clusterDir)).toBeUndefined()
    const elsewhere = join(clusterDir, 'elsewhere')
    await mkdir(elsewhere)
    await write(await processIn(elsewhere), 'ready')
    expect(await findPostmaster(clusterDir)).toBeUndefined()
  })

  it('is removed where its id is taken by another program, and else left to PostgreSQL', async () => {
    await write(2 ** 22 + 1, 'ready')
    await removeMisleadingFile(clusterDir)
    expect(existsSync(join(clusterDir, 'postmaster.pid'))).toBe(true)
    await write(process.pid, 'ready')
    await removeMisleadingFile(clusterDir)
    expect(existsSync(join(clusterDir, 'postmaster.pid'))).toBe(false)
  })
})
