import { eventually, startPostgres, type PostgresFixture } from '@cidadao/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { migrate, type Database } from '../src/index.ts'
import { rejectionOf } from './fixtures/database-fixture.ts'
import { expectConsistent, Ledger, saveTwiceEach, startClients } from './fixtures/saving-clients.ts'

const LONG_MS = 120_000
let server: PostgresFixture
let url: string
let databases = 0

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

beforeEach(async () => {
  const name = `faults_${(databases += 1)}`
  const admin = new pg.Client({ connectionString: server.url() })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  await admin.end()
  url = server.url(name)
  await migrate({ url })
})

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `inv_${index}`)

/** The process that all of the server's others descend from. */
async function postmasterOf(db: Database): Promise<number> {
  const { rows } = await db.sql.query<{ pid: string }>("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid")
  return Number(rows[0]?.pid)
}

describe('1,000 saves by several clients, with an audit entry each', () => {
  it(
    'lose and double nothing while the server is stopped as by a power cut, its first process killed, all of it killed, and started again',
    async ({ skip }) => {
      skip(server.kind === 'container', 'the processes of a container are not ours to signal')
      const clients = await startClients(url, 4)
      const [first] = clients
      const ledger = new Ledger()
      const saving = saveTwiceEach(clients, names(500), ledger)
      const crash = async (after: number, how: () => Promise<void>): Promise<void> => {
        await ledger.reached(after)
        await how()
        await server.restart()
      }
      await crash(150, async () => void process.kill(await postmasterOf(first), 'SIGQUIT'))
      await crash(400, async () => void process.kill(await postmasterOf(first), 'SIGKILL'))
      await crash(650, () => server.kill())
      await saving
      await expectConsistent(first, ledger)
      expect(ledger.saves).toBeGreaterThan(900)
      expect(clients.reduce((sum, client) => sum + client.stats().queries.failed, 0)).toBeGreaterThan(0)
    },
    LONG_MS,
  )

  it(
    'lose and double nothing while an administrator keeps ending their connections',
    async () => {
      const clients = await startClients(url, 4)
      const ledger = new Ledger()
      const saving = saveTwiceEach(clients, names(500), ledger)
      let ended = 0
      for (let save = 50; save <= 900; save += 50) {
        await ledger.reached(save)
        ended += await server.terminateBackends()
      }
      await saving
      expect(ended).toBeGreaterThan(20)
      expect([...ledger.failed]).toEqual([])
      await expectConsistent(clients[0], ledger)
    },
    LONG_MS,
  )
})

describe('a pool that is used up', () => {
  it('refuses what cannot be served, at once visibly, does not write it, and serves all again afterwards', async () => {
    const [db] = await startClients(url, 1, { pool: { size: 2, maxOverflow: 1, acquireTimeoutMs: 3_000 } })
    const release = Promise.withResolvers<void>()
    const held = [1, 2, 3].map(() =>
      db.transaction(async (tx) => {
        await tx.sql.query('SELECT 1')
        await release.promise
      }),
    )
    await eventually(() => expect(db.stats()).toMatchObject({ total: 3, idle: 0 }), { deadlineMs: 10_000 })
    const ledger = new Ledger()
    const saves = names(50).map((id) => db.investigations.save({ id, query: 'q' }).then((row) => ledger.acknowledge(row)))
    const outcomes = Promise.allSettled(saves)
    expect(db.stats()).toMatchObject({ waiting: 50, total: 3, idle: 0, max: 3, timeouts: 0 })
    const codes = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'saved'))
    expect(new Set(codes)).toEqual(new Set(['DB_POOL_TIMEOUT']))
    expect(db.stats()).toMatchObject({ waiting: 0, timeouts: 50, breaker: 'closed' })
    release.resolve()
    await Promise.all(held)
    expect((await db.investigations.find({ limit: 100 })).items).toEqual([])
    await saveTwiceEach([db], names(50), ledger)
    expect(ledger.saves).toBe(100)
    await expectConsistent(db, ledger)
  })
})

describe('a server that stays away', () => {
  it('is told as such within the time for retries, and reached again when it is back', async () => {
    const [db] = await startClients(url, 1, {
      pool: { connectTimeoutMs: 500 },
      resilience: { attempts: 3, initialDelayMs: 10, maxDelayMs: 20, breakForMs: 100 },
    })
    await server.kill()
    onTestFinished(() => server.restart())
    expect(await rejectionOf(db.investigations.get('inv_001'))).toMatchObject({
      code: expect.stringMatching(/^DB_(UNAVAILABLE|CONNECTION_LOST|CIRCUIT_OPEN)$/) as string,
    })
    await server.restart()
    await eventually(async () => expect(await db.investigations.get('inv_001')).toBeUndefined(), { deadlineMs: 15_000 })
  })
})
