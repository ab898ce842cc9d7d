import { createServer, type AddressInfo } from 'node:net'
import { createTestDatabase, testRedisCluster } from '@cidadao/testing'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { checkClock } from '../src/cli/commands/doctor/database-checks.ts'
import { checkNode } from '../src/cli/commands/doctor/machine-checks.ts'
import { runCli, type CliResult } from './cli/cli-process.ts'
import { openFolder } from './cli/workplace.ts'
import { openTestDatabase } from './support/test-database.ts'

// Whole systems are started here, which takes a while on a machine that does much else.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let folder: string
let databaseUrl: string
beforeAll(async () => {
  folder = await openFolder()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The doctor on a database of the test's own, so that nothing has to be started. */
async function examine(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<CliResult> {
  databaseUrl = env.DATABASE_URL ?? (await openTestDatabase()).url
  return runCli(['doctor', ...args], { cwd: folder, env: { DATABASE_URL: databaseUrl, ...env } })
}

describe('cidadao doctor', () => {
  it('has one line a check, and ends with 0 where nothing is wrong', async () => {
    const { code, stdout } = await examine()
    const lines = stdout.trim().split('\n')
    const names = lines.map((line) => line.split(/ +/)[1])
    expect(names).toEqual(['node', 'disk', 'port', 'database', 'settings', 'clock', 'migrations', 'log', 'audit', 'redis'])
    expect(lines.filter((line) => line.startsWith('✗'))).toEqual([])
    expect(stdout).toMatch(/✓ database +configured PostgreSQL [\d.]+, primary, [\d.]+ ms/)
    expect(stdout).toMatch(/✓ clock +the server is -?\d+ ms ahead/)
    expect(stdout).toMatch(/! audit +no checkpoints: .*→ {2}"cidadao audit key --new" makes one/)
    expect(code).toBe(0)
  })

  it('says the same in Portuguese', async () => {
    const { code, stdout } = await examine({}, ['--lang', 'pt'])
    expect(stdout).toMatch(/✓ migrations aplicadas/)
    expect(stdout).toMatch(/✓ log +\d+ entradas de auditoria verificadas/)
    expect(stdout).toMatch(/! audit +sem checkpoints/)
    expect(stdout).not.toMatch(/free in|applied|verified|ahead|configured/)
    expect(code).toBe(0)
  })

  it('names the migrations that are missing, with the command that applies them, and ends with 1', async () => {
    const empty = await createTestDatabase()
    onTestFinished(() => empty.drop())
    const { code, stdout } = await examine({ DATABASE_URL: empty.url })
    expect(stdout).toMatch(/✗ migrations \d+ missing: .* {2}→ {2}run "cidadao migrate"/)
    expect(code).toBe(1)
  })

  it('tells of a port that is taken, a database that is away and a Redis that does not answer, all in one run and without the password', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { code, stdout, stderr } = await examine({
      DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:1/none',
      CONNECTION_RETRY_ATTEMPTS: '1',
      REDIS_NODES: '127.0.0.1:1',
      CIDADAO_HTTP_PORT: String(port),
    })
    expect(stdout).toMatch(new RegExp(`✗ port +127\\.0\\.0\\.1:${port} cannot be listened on: .*→ {2}set CIDADAO_HTTP_HOST`))
    expect(stdout).toMatch(/✗ database +/)
    expect(stdout).toMatch(/✗ redis +.*→ {2}start the nodes of REDIS_NODES/)
    expect(stdout + stderr).not.toContain('hunter2')
    expect(code).toBe(1)
  })

  it('shows the topology of a Redis Cluster', async () => {
    const { nodes, password } = testRedisCluster()
    const REDIS_NODES = nodes.map(({ host, port }) => `${host}:${port}`).join(',')
    const { stdout } = await examine({ REDIS_NODES, ...(password === null ? {} : { REDIS_PASSWORD: password }) })
    expect(stdout).toMatch(/[✓!] redis +cluster, 3 \+ \d, 16384 \/ 16384 slots/)
  })

  it('gives one JSON document, with status, detail and mend', async () => {
    const { stdout } = await examine({}, ['--json'])
    const results = JSON.parse(stdout) as { check: string; status: string; detail: string }[]
    expect(results.find(({ check }) => check === 'node')).toEqual({ check: 'node', status: 'good', detail: process.version })
    expect(results.every(({ status }) => ['good', 'warning', 'bad'].includes(status))).toBe(true)
  })
})

describe('what the doctor holds against', () => {
  it('a Node that is too old is the version and the one that is needed, in both languages', () => {
    expect(checkNode('en', '22.18.0')).toEqual({
      status: 'bad',
      detail: 'v22.18.0, 22.19 or newer is needed',
      mend: 'install Node 22.19 or newer',
    })
    expect(checkNode('pt', '20.20.2')).toMatchObject({ status: 'bad', mend: 'instale o Node 22.19 ou mais novo' })
    expect(checkNode('en', '22.19.0').status).toBe('good')
    expect(checkNode('en', '24.0.0').status).toBe('good')
  })

  it('clocks is a difference beyond what the question itself took', () => {
    expect(checkClock({ skewMs: 900, skewErrorMs: 5 }, 'en').status).toBe('good')
    expect(checkClock({ skewMs: -5_000, skewErrorMs: 5 }, 'en')).toMatchObject({
      status: 'warning',
      mend: expect.stringContaining('NTP') as string,
    })
    expect(checkClock({ skewMs: 5_000, skewErrorMs: 4_500 }, 'pt').status).toBe('good')
  })
})
