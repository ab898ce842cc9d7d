import { existsSync, statSync } from 'node:fs'
import { chmod, chown, cp, lstat, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findPostgresBinaries, identifyProcess, PostgresServer, type DurableServerOptions } from '../src/index.ts'
import { holdServer } from './holder.ts'
import { prepareFolder, type PreparedFolder } from './prepared-folder.ts'
import { speaksPostgres } from './speaks-postgres.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'

let prepared: PreparedFolder
beforeAll(async () => {
  prepared = await prepareFolder()
})
afterAll(() => prepared.remove())

const isRoot = process.getuid?.() === 0
/** Another user runs our own program: every folder down to Node and to this checkout must let others in. */
const canBecomeAnother = isRoot && [process.execPath, import.meta.dirname].every(isOpenToOthers)
const NEEDS_ANOTHER = '[skipped unless root, in a checkout that others may enter]'

function isOpenToOthers(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0
  return isOpen && (path === dirname(path) || isOpenToOthers(dirname(path)))
}

/** Without waiting for the disk, which these tests do not pull the plug of. */
function durable(dataDir: string, options: Partial<DurableServerOptions> = {}): PostgresServer {
  const server = new PostgresServer({ mode: 'durable', dataDir, ...options, settings: { fsync: 'off', ...options.settings } })
  onTestFinished(() => server.stop())
  return server
}

describe('a durable server', () => {
  it('makes its folder, serves, stops, and serves the same data folder with the same password again', async () => {
    const dataDir = join(await tempFolder(), 'not', 'there', 'yet')
    const server = durable(dataDir)
    await server.start()
    const first = { url: server.connectionUrl(), pid: server.pid }
    expect(await speaksPostgres(server.port)).toBe(true)
    expect(server.origin).toBe('started')
    await server.stop()
    expect(identifyProcess(first.pid)).toBeUndefined()
    await server.start()
    expect(new URL(server.connectionUrl()).password).toBe(new URL(first.url).password)
    expect(await speaksPostgres(server.port)).toBe(true)
  })

  it('keeps the password in a file of mode 0600, and not where the server could read it', async () => {
    const dataDir = await prepared.copy()
    const server = durable(dataDir)
    await server.start()
    const { mode, uid } = await stat(join(dataDir, 'password'))
    expect(mode & 0o777).toBe(0o600)
    expect(uid).toBe(process.getuid?.())
    expect((await readFile(join(dataDir, 'password'), 'utf8')).trim()).toBe(new URL(server.connectionUrl()).password)
    expect((await readFile(`/proc/${String(server.pid)}/cmdline`, 'utf8')).includes(new URL(server.connectionUrl()).password)).toBe(false)
  })

  it('is attached to by a second user of the folder, and ends with the last one', async () => {
    const dataDir = await prepared.copy()
    const [one, two] = [durable(dataDir), durable(dataDir)]
    await one.start()
    await two.start()
    expect([two.origin, two.pid, two.connectionUrl('x')]).toEqual(['attached', one.pid, one.connectionUrl('x')])
    const port = two.port
    await one.stop()
    expect(await speaksPostgres(port)).toBe(true)
    await two.stop()
    expect(await speaksPostgres(port)).toBe(false)
  })

  it('is started once by processes that start at the same moment', async () => {
    const dataDir = await prepared.copy()
    const holders = await Promise.all([holdServer(['durable', dataDir]), holdServer(['durable', dataDir])])
    expect(new Set(holders.map((holder) => holder.server.pid)).size).toBe(1)
    expect(holders.map((holder) => holder.server.origin).toSorted()).toEqual(['attached', 'started'])
    const server = durable(dataDir)
    await server.start()
    await Promise.all(holders.map((holder) => holder.kill()))
    await server.stop()
    expect(identifyProcess(holders[0].server.pid)).toBeUndefined()
  })

  it('outlives a process that is killed, and is attached to and stopped by the next', async () => {
    const dataDir = await prepared.copy()
    const holder = await holdServer(['durable', dataDir])
    await holder.kill()
    expect(await speaksPostgres(holder.server.port)).toBe(true)
    const server = durable(dataDir)
    await server.start()
    expect([server.origin, server.pid]).toEqual(['attached', holder.server.pid])
    await server.stop()
    expect(identifyProcess(holder.server.pid)).toBeUndefined()
  })

  it('says that it crashed, and recovers at the next start', async () => {
    const server = durable(await prepared.copy())
    await server.start()
    const crashed = new Promise((resolve) => server.on('crashed', resolve))
    process.kill(server.pid, 'SIGKILL')
    expect(await crashed).toEqual({ exitCode: null, signal: 'SIGKILL' })
    await server.stop()
    await server.start()
    expect(await speaksPostgres(server.port)).toBe(true)
  })

  it('starts although a killed server left a process id that another program has now', async () => {
    const dataDir = await prepared.copy()
    const server = durable(dataDir)
    await server.start()
    await server.stop()
    const other = spawn('sleep', ['60'], { stdio: 'ignore' })
    onTestFinished(() => void other.kill())
    const file = join(dataDir, 'cluster', 'postmaster.pid')
    await writeFile(file, `${String(other.pid)}\n${join(dataDir, 'cluster')}\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n`)
    await chmod(file, 0o600)
    await server.start()
    expect([server.origin, await speaksPostgres(server.port)]).toEqual(['started', true])
  })

  it.skipIf(!isRoot)('runs as the account that owns its cluster when started by root [skipped unless root]', async () => {
    const dataDir = await tempFolder()
    const server = durable(dataDir)
    await server.start()
    const owner = (await stat(join(dataDir, 'cluster'))).uid
    expect(owner).not.toBe(0)
    expect((await stat(`/proc/${String(server.pid)}`)).uid).toBe(owner)
  })

  it.skipIf(!canBecomeAnother)(`runs for an ordinary user ${NEEDS_ANOTHER}`, async () => {
    const dataDir = join(await tempFolder(), 'data')
    await mkdir(dataDir)
    await chown(dataDir, 65_534, 65_534)
    const holder = await holdServer(['durable', dataDir], { uid: 65_534, gid: 65_534 })
    expect((await stat(`/proc/${String(holder.server.pid)}`)).uid).toBe(65_534)
    expect(await speaksPostgres(holder.server.port)).toBe(true)
  })
})

describe('a durable server refuses', () => {
  it('a port that another program has, and leaves nothing running', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    onTestFinished(() => void blocker.close())
    const { port } = blocker.address() as AddressInfo
    const dataDir = await prepared.copy()
    await expect(durable(dataDir, { port }).start()).rejects.toMatchObject({ code: 'POSTGRES_SERVER_PORT_IN_USE', facts: { port } })
    expect(existsSync(join(dataDir, 'cluster', 'postmaster.pid'))).toBe(false)
  })

  it('a folder of another major version, without touching it', async () => {
    const dataDir = await prepared.copy()
    const server = durable(dataDir)
    await server.start()
    await server.stop()
    await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '13\n')
    await expect(server.start()).rejects.toMatchObject({ code: 'POSTGRES_SERVER_VERSION_MISMATCH', facts: { dataMajor: 13 } })
    expect(await readFile(join(dataDir, 'cluster', 'PG_VERSION'), 'utf8')).toBe('13\n')
  })

  it("somebody else's folder, without touching it", async () => {
    const dataDir = await tempFolder()
    await writeFile(join(dataDir, 'thesis.txt'), 'important')
    const before = (await stat(dataDir)).mode
    await expect(durable(dataDir).start()).rejects.toMatchObject({ code: 'POSTGRES_SERVER_FOLDER_FOREIGN' })
    expect((await stat(dataDir)).mode).toBe(before)
    expect(existsSync(join(dataDir, 'cidadao-postgres.json'))).toBe(false)
  })

  it('a path that cannot become a folder', async () => {
    const file = join(await tempFolder(), 'file')
    await writeFile(file, '')
    await expect(durable(join(file, 'data')).start()).rejects.toMatchObject({ code: 'POSTGRES_SERVER_FOLDER_NOT_WRITABLE' })
    await expect(durable(file).start()).rejects.toMatchObject({ code: 'POSTGRES_SERVER_FOLDER_NOT_WRITABLE' })
  })

  it.skipIf(!canBecomeAnother)(`a folder that the user may not write ${NEEDS_ANOTHER}`, async () => {
    const dataDir = await tempFolder()
    await expect(holdServer(['durable', join(dataDir, 'data')], { uid: 65_534, gid: 65_534 })).rejects.toThrow(
      'POSTGRES_SERVER_FOLDER_NOT_WRITABLE',
    )
  })

  it('a password that is not the one the folder was created with', async () => {
    const dataDir = await tempFolder()
    const server = durable(dataDir, { password: 'first' })
    await server.start()
    expect(new URL(server.connectionUrl()).password).toBe('first')
    await expect(durable(dataDir, { password: 'second' }).start()).rejects.toMatchObject({ code: 'POSTGRES_SERVER_PASSWORD_CONFLICT' })
  })

  it('a setting that PostgreSQL does not know, with the reason from its log', async () => {
    await expect(durable(await prepared.copy(), { settings: { shared_bufers: '1' } }).start()).rejects.toMatchObject({
      code: 'POSTGRES_SERVER_START_FAILED',
      message: expect.stringContaining('shared_bufers') as string,
    })
  })

  it('to say where it is before it runs', async () => {
    const server = durable(await prepared.copy())
    expect(() => server.port).toThrow(expect.objectContaining({ code: 'POSTGRES_SERVER_NOT_RUNNING' }) as Error)
    expect(() => server.connectionUrl()).toThrow('call start() first')
  })

  it('to go on when its start is aborted, and leaves nothing running', async () => {
    const dataDir = await tempFolder()
    const server = durable(dataDir)
    const abort = new AbortController()
    const starting = server.start(abort.signal)
    await until(() => existsSync(join(dataDir, 'cluster.unfinished')))
    abort.abort(new Error('changed my mind'))
    await expect(starting).rejects.toThrow()
    expect(existsSync(join(dataDir, 'cluster'))).toBe(false)
    await server.start()
    expect(await speaksPostgres(server.port)).toBe(true)
  })
})

describe.skipIf(!isRoot)('as root, in a folder closed to others [skipped unless root, who has to step down]', () => {
  async function closedFolder(): Promise<string> {
    const closed = join(await tempFolder(), 'closed')
    await mkdir(closed, { mode: 0o700 })
    return closed
  }

  it('keeps the data in a folder of the machine, with a link to it where it was wanted', async () => {
    const dataDir = join(await closedFolder(), 'deep', 'data')
    const first = durable(dataDir)
    await first.start()
    onTestFinished(async () => rm(await realpath(dataDir), { recursive: true, force: true }))
    const url = new URL(first.connectionUrl())
    await first.stop()
    expect((await lstat(dataDir)).isSymbolicLink()).toBe(true)
    const second = durable(dataDir)
    await second.start()
    expect(new URL(second.connectionUrl()).password).toBe(url.password)
    await second.stop()
  })

  it('runs a copy of the programs that npm brought', async () => {
    const native = dirname((await findPostgresBinaries()).binDir)
    const closed = join(await closedFolder(), 'native')
    await cp(native, closed, { recursive: true, verbatimSymlinks: true })
    const found = await findPostgresBinaries()
    const binDir = join(closed, 'bin')
    const binaries = { ...found, binDir, initdb: join(binDir, 'initdb'), postgres: join(binDir, 'postgres') }
    const server = durable(await tempFolder(), { binaries })
    await server.start()
    expect(server.origin).toBe('started')
    await server.stop()
  })
})
