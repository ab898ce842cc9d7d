import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { identifyProcess, PostgresServer } from '../src/index.ts'
import { holdServer } from './holder.ts'
import { speaksPostgres } from './speaks-postgres.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'

describe('a throwaway server', () => {
  it('serves, and is gone with its folder when stopped', async () => {
    const server = new PostgresServer({ mode: 'throwaway' })
    await server.start()
    const { dataDir, pid, port } = server
    expect(await speaksPostgres(port)).toBe(true)
    await server.stop()
    expect([existsSync(dataDir), identifyProcess(pid)]).toEqual([false, undefined])
  })

  it('is gone with its folder when its process is killed by SIGKILL', async () => {
    const holder = await holdServer(['throwaway'])
    const { pid, dataDir } = holder.server
    expect(identifyProcess(pid)).toBeDefined()
    await holder.kill()
    await until(() => identifyProcess(pid) === undefined && !existsSync(dataDir))
  })

  it('takes a port and a folder of its own beside others', async () => {
    const servers = [new PostgresServer({ mode: 'throwaway' }), new PostgresServer({ mode: 'throwaway' })]
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.stop()))
    })
    await Promise.all(servers.map((server) => server.start()))
    expect(new Set(servers.map((server) => server.port)).size).toBe(2)
    expect(new Set(servers.map((server) => server.dataDir)).size).toBe(2)
  })

  it('keeps its data over stop and start in a folder that it is given', async () => {
    const dataDir = await tempFolder()
    const server = new PostgresServer({ mode: 'throwaway', dataDir })
    onTestFinished(() => server.stop())
    await server.start()
    await server.stop()
    expect(await readdir(dataDir)).toContain('cluster')
    await server.start()
    expect(await speaksPostgres(server.port)).toBe(true)
  })
})
