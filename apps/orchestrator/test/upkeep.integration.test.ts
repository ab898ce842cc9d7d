import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSignerKey, verifyCheckpoint, loadNoteSigner } from '@cidadao/db'
import { eventually } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { House } from '../src/compose.ts'
import { INVESTIGATION_CACHE } from '../src/wiring/investigation-cache.ts'
import { AUDIT_ORIGIN, connectTo, openTestDatabase } from './support/test-database.ts'
import { buildHouse, startHouse } from './support/test-house.ts'

const PATIENCE = { deadlineMs: 20_000, intervalMs: 50 }

let folder: string
const key = generateSignerKey(AUDIT_ORIGIN)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-upkeep-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A database of the test's own, whose log is signed and put into a file. */
async function signedEnv(name: string): Promise<Readonly<Record<string, string>> & { readonly DATABASE_URL: string }> {
  return {
    DATABASE_URL: (await openTestDatabase()).url,
    CIDADAO_AUDIT_ORIGIN: AUDIT_ORIGIN,
    CIDADAO_AUDIT_KEY: key,
    CIDADAO_AUDIT_ANCHOR_FILE: join(folder, `${name}.jsonl`),
    CIDADAO_AUDIT_CHECKPOINT_INTERVAL_MS: '200',
    CIDADAO_CACHE_KEY_PREFIX: `upkeep-${name}-${process.pid}`,
  }
}

async function save(house: House, id: string): Promise<void> {
  const audit = { actor: { kind: 'system' }, action: 'investigation.created', investigation: id } as const
  await house.db.investigations.save({ id, userId: 'ana', query: 'contratos de 2024' }, { audit })
}

async function complete(house: House, id: string): Promise<void> {
  const stored = await house.db.investigations.get(id)
  if (stored === undefined) throw new Error(`no ${id}`)
  const begun = await house.db.investigations.save({ ...stored, status: 'processing' })
  await house.db.investigations.save({ ...begun, status: 'completed', completedAt: new Date(), results: { findings: [] } })
}

async function anchoredSizes(name: string): Promise<readonly number[]> {
  const { vkey } = await loadNoteSigner(AUDIT_ORIGIN, { from: 'text', text: key })
  const lines = (await readFile(join(folder, `${name}.jsonl`), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const verdict = verifyCheckpoint((JSON.parse(line) as { note: string }).note, vkey)
    return verdict.outcome === 'verified' ? verdict.checkpoint.size : expect.unreachable(verdict.reason)
  })
}

async function exposition({ telemetry }: House): Promise<string> {
  return (await telemetry.metrics.expose()).body
}

type Checks = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

async function checksOf({ telemetry }: House): Promise<Checks> {
  await telemetry.health.sampled()
  return telemetry.health.report({ details: 'full' }).body.checks as unknown as Checks
}

describe('the audit log of a house with a key', () => {
  it('is signed and anchored while it runs, and metrics and health tell how far', async () => {
    const { house } = await startHouse(await signedEnv('runs'))
    await save(house, 'inv_1')
    await eventually(async () => expect((await anchoredSizes('runs')).at(-1)).toBe(2), PATIENCE)
    await eventually(async () => {
      const body = await exposition(house)
      expect(body).toMatch(/^audit_unanchored_entries 0$/m)
      expect(body).toMatch(/^audit_oldest_unanchored_seconds 0$/m)
      expect(body).toMatch(/^audit_signed_entries 2$/m)
      expect(body).toMatch(/^audit_anchor_entries\{anchor="file"\} 2$/m)
      expect(body).toMatch(/^audit_history_broken 0$/m)
      expect(body).not.toMatch(/^metrics_overflow_total\{.*\} [1-9]/m)
    }, PATIENCE)
    // Health shows its latest sample, which may be older than the metrics.
    await eventually(async () => {
      const checks = await checksOf(house)
      expect(checks['audit-log']?.[0]).toMatchObject({ status: 'pass', observedValue: 0 })
      expect(checks['audit-log:anchor-file']?.[0]).toMatchObject({ status: 'pass', observedValue: 2 })
    }, PATIENCE)
  })

  it('gets a last checkpoint when it stops, after everything that writes has stopped', async () => {
    const env = { ...(await signedEnv('stops')), CIDADAO_AUDIT_CHECKPOINT_INTERVAL_MS: '3600000' }
    const { house } = await startHouse(env)
    await eventually(async () => expect(await anchoredSizes('stops')).toEqual([1]), PATIENCE)
    for (const id of ['inv_1', 'inv_2', 'inv_3']) await save(house, id)
    await house.stop()
    expect(await anchoredSizes('stops')).toEqual([1, 4])
  })

  it('that was cut behind its back is not signed again: health fails without failing the whole, and a metric says so', async () => {
    const env = await signedEnv('cut')
    const { house } = await startHouse(env)
    await save(house, 'inv_1')
    await eventually(async () => expect((await anchoredSizes('cut')).at(-1)).toBe(2), PATIENCE)
    await house.stop()
    const other = await connectTo(env.DATABASE_URL)
    await other.sql.query('ALTER TABLE audit_logs DISABLE TRIGGER ALL')
    const { rows } = await other.sql.query(
      `UPDATE audit_logs SET payload = replace(payload, 'created', 'creates') WHERE seq = 2 RETURNING seq`,
    )
    expect(rows).toHaveLength(1)
    await house.start()
    await eventually(async () => {
      expect(await exposition(house)).toMatch(/^audit_history_broken 1$/m)
      const checks = await checksOf(house)
      expect(checks['audit-log']?.[0]).toMatchObject({ status: 'fail', critical: false, output: 'DB_AUDIT_HISTORY_BROKEN' })
    }, PATIENCE)
    expect(house.telemetry.health.report({ details: 'none' }).httpStatus).toBe(200)
    expect((await anchoredSizes('cut')).at(-1)).toBe(2)
  })

  it('refuses to start with a key of another log', async () => {
    const env = { ...(await signedEnv('other')), CIDADAO_AUDIT_KEY: generateSignerKey('another.example/log') }
    await expect(buildHouse(env)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('and without one has no checkpoints, of which health warns', async () => {
    const { house } = await startHouse()
    expect(house.audit.stats().checkpoints).toBeNull()
    expect((await checksOf(house))['audit-log']?.[0]).toMatchObject({ observedValue: 'unsigned', output: 'AUDIT_CHECKPOINTS_OFF' })
    expect(await exposition(house)).not.toMatch(/^audit_signed_entries \d/m)
  })
})

describe('investigations behind the cache', () => {
  it('are kept once they have ended, and asked for their owner every time', async () => {
    const { house } = await startHouse(await signedEnv('kept'))
    await save(house, 'inv_1')
    const rows = house.cache.namespace(INVESTIGATION_CACHE)
    await house.investigations.get('inv_1')
    // Unavailable, where a tier is slow just now.
    expect((await rows.get('inv_1')).outcome).not.toBe('hit')
    await complete(house, 'inv_1')
    const first = await house.investigations.get('inv_1', { owner: 'ana' })
    expect(first).toMatchObject({ status: 'completed', version: 3 })
    // The invalidation of the last save may come by the outbox only now, and costs one more load.
    await eventually(async () => {
      expect(await house.investigations.get('inv_1', { owner: 'ana' })).toEqual(first)
      expect((await rows.get('inv_1')).outcome).toBe('hit')
    }, PATIENCE)
    expect(await house.investigations.get('inv_1', { owner: 'bia' })).toBeUndefined()
    expect((await house.orchestrator.get('inv_1')).status).toBe('completed')
  })

  it('answer as the database does where there is none, without taking that for a failure of the cache', async () => {
    const { house } = await startHouse(await signedEnv('none'))
    const failures: string[] = []
    house.investigations.events.on('cache-failed', ({ code }) => failures.push(code))
    expect(await house.investigations.get('inv_none')).toBeUndefined()
    expect(failures).toEqual([])
  })

  it('are told of by the outbox where another process erases one', async () => {
    const env = await signedEnv('told')
    const { house } = await startHouse(env)
    const other = await buildHouse({ ...env, CIDADAO_CACHE_KEY_PREFIX: `${env.CIDADAO_CACHE_KEY_PREFIX}-other` })
    onTestFinished(() => other.house.stop())
    // Its database alone: no cache in common, no relay. What it commits to the outbox is all that this house hears.
    await other.house.db.start()
    onTestFinished(() => other.house.db.stop())
    await save(house, 'inv_1')
    await complete(house, 'inv_1')
    const rows = house.cache.namespace(INVESTIGATION_CACHE)
    await eventually(async () => expect(house.relay.stats()).toMatchObject({ delivered: 3, lag: { messages: 0 } }), PATIENCE)
    await house.investigations.get('inv_1')
    expect((await rows.get('inv_1')).outcome).toBe('hit')
    await other.house.db.investigations.erase('inv_1', { actor: { kind: 'system' }, basis: 'lgpd-18-vi' })
    await eventually(async () => expect((await rows.get('inv_1')).outcome).toBe('miss'), PATIENCE)
    expect(await house.investigations.get('inv_1')).toBeUndefined()
    await eventually(async () => {
      const checks = await checksOf(house)
      expect(checks['cache-outbox']?.[0]).toMatchObject({ status: 'pass', observedValue: 0 })
    }, PATIENCE)
  })

  it('leave an invalidation of an unknown namespace aside, and go on with the rest', async () => {
    const { house } = await startHouse(await signedEnv('aside'))
    await house.db.invalidate({ namespace: 'nobody-knows', keys: ['a'] }, { namespace: INVESTIGATION_CACHE, keys: ['b'] })
    await eventually(async () => expect(house.relay.stats()).toMatchObject({ delivered: 1, refused: 1 }), PATIENCE)
    await eventually(async () => {
      const checks = await checksOf(house)
      expect(checks['cache-outbox']?.[0]).toMatchObject({ status: 'warn', output: 'OUTBOX_REFUSED' })
    }, PATIENCE)
  })
})

describe('upkeep', () => {
  it('counts the investigations by status, for the gauges and for the history in the database', async () => {
    const env = { ...(await signedEnv('counts')), CIDADAO_MONITORING_HISTORY_INTERVAL_MS: '1000' }
    const { house } = await startHouse(env)
    await save(house, 'inv_1')
    await save(house, 'inv_2')
    await complete(house, 'inv_1')
    await eventually(async () => {
      const body = await exposition(house)
      expect(body).toMatch(/^investigations\{status="completed"\} 1$/m)
      expect(body).toMatch(/^investigations\{status="pending"\} 1$/m)
      expect(body).toMatch(/^investigations\{status="error"\} 0$/m)
    }, PATIENCE)
    await house.stop()
    const series = await (await connectTo(env.DATABASE_URL)).metrics.series('investigations')
    expect(series.some(({ value, tags }) => value === 1 && (tags as { status?: string }).status === 'completed')).toBe(true)
  })

  it('erases investigations that have ended and are older than they are kept, and no others', async () => {
    const env = { ...(await signedEnv('old')), CIDADAO_RETENTION_INVESTIGATION_DAYS: '30' }
    const db = await connectTo(env.DATABASE_URL)
    const long = { userId: 'ana', query: 'contratos de 2019', createdAt: new Date('2020-01-01T00:00:00Z') }
    await db.investigations.save({
      ...long,
      id: 'inv_old',
      status: 'completed',
      completedAt: new Date('2020-01-02T00:00:00Z'),
      results: {},
    })
    await db.investigations.save({ ...long, id: 'inv_open' })
    await db.investigations.save({ userId: 'ana', query: 'contratos', id: 'inv_new', status: 'cancelled', completedAt: new Date() })
    const { house } = await startHouse(env)
    await eventually(async () => expect(await house.db.investigations.get('inv_old')).toBeUndefined(), PATIENCE)
    expect(await house.db.investigations.get('inv_open')).toBeDefined()
    expect(await house.db.investigations.get('inv_new')).toBeDefined()
    const entries = await house.db.audit.entriesOf(house.db.sql, 'inv_old')
    expect(entries).toMatchObject([{ action: 'investigation.erased', data: { basis: 'retention' }, actor: { component: 'retention' } }])
  })
})
