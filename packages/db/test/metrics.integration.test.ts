import { PrismaPg } from '@prisma/adapter-pg'
import { createTestDatabase, startPostgres } from '@cidadao/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { createDatabase, createMetricRecorder, migrate, type Database, type MetricSample } from '../src/index.ts'
import { seriesQuery } from '../src/metrics/metric-store.ts'
import { migrationScripts } from './fixtures/audit-database.ts'
import {
  AUDIT_ORIGIN,
  connectDirectly,
  createMigratedDatabase,
  openDatabase,
  openForTest,
  rejectionOf,
} from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
afterAll(() => close())

/** Partitions with their number of rows. */
async function partitions(database: Database): Promise<Record<string, number>> {
  const { rows } = await database.sql.query<{ name: string; rows: string }>(`
    SELECT child.relname AS name, (SELECT count(*) FROM metrics WHERE metrics.tableoid = child.oid) AS rows
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = 'metrics'::regclass ORDER BY name`)
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, Number(count)]))
}

function sample(timestamp: string, value = 1): MetricSample {
  return { name: 'm', value, timestamp: new Date(timestamp) }
}

const TODAY = new Date('2024-03-15T12:00:00Z')

describe('samples of metrics', () => {
  it.each<[string, Partial<MetricSample>, string]>([
    ['Infinity', { value: Infinity }, 'value'],
    ['a name of 101 characters', { name: 'm'.repeat(101) }, 'name'],
    ['a NUL in the name', { name: 'm\0' }, 'name'],
    ['a date that is none', { timestamp: new Date(Number.NaN) }, 'timestamp'],
    ['half a surrogate pair in a tag', { tags: { text: '\ud800' } }, 'tags'],
    ['a NUL in a tag', { tags: { text: '\0' } }, 'tags'],
    ['a tag that JSON cannot carry', { tags: { big: 1n } as never }, 'tags'],
    ['a list of tags', { tags: [] as never }, 'tags'],
    ['more tags than 2 KB', { tags: { text: 'x'.repeat(2_048) } }, 'tags'],
    ['an id that is no integer', { id: 0.5 }, 'id'],
  ])('are refused before anything is sent: %s', async (_what, fault, field) => {
    const refused = await rejectionOf(db.metrics.record([{ name: 'm', value: 1, ...fault }]))
    expect(refused).toMatchObject({ code: 'DB_INVALID_METRIC', facts: { field } })
  })

  it('count the length of tags as the database does, to the character', async () => {
    const tags = { a: ['é', 1.5, true, null], 'b"': {}, c: { d: 'x,:y\n' }, e: [] }
    const { rows } = await db.sql.query<{ length: number }>('SELECT length($1::jsonb::text) AS length', [
      JSON.stringify({ ...tags, f: '' }),
    ])
    const fill = 'x'.repeat(2_048 - (rows[0]?.length ?? 0))
    await db.metrics.record([{ name: 'tagged', value: 1, tags: { ...tags, f: fill } }])
    expect(await rejectionOf(db.metrics.record([{ name: 'tagged', value: 1, tags: { ...tags, f: `${fill}x` } }]))).toMatchObject({
      code: 'DB_INVALID_METRIC',
    })
    expect(await db.metrics.series('tagged')).toHaveLength(1)
  })

  it('with the same number and instant are stored once', async () => {
    const twice = { name: 'numbered', value: 1, id: 7, timestamp: TODAY }
    await db.metrics.record([twice])
    await db.metrics.record([twice, { ...twice, id: 8 }])
    expect((await db.metrics.series('numbered')).map(({ id }) => id)).toEqual([8, 7])
  })
})

describe('the partitions of metrics', () => {
  it('are there for this month and the two that follow, from the migration on', async () => {
    const open = await openForTest()
    const month = (offset: number): string => {
      const now = new Date()
      return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset)).toISOString().slice(0, 7).replace('-', '_')
    }
    expect(Object.keys(await partitions(open.db))).toEqual([...[0, 1, 2].map((n) => `metrics_${month(n)}`), 'metrics_default'])
  })

  it('take over the rows of a table of before, numbers included, and go on counting', async () => {
    const { url, drop } = await createTestDatabase()
    onTestFinished(drop)
    const client = await connectDirectly(url)
    const scripts = migrationScripts()
    const ours = scripts.findIndex((script) => script.includes('PARTITION BY RANGE'))
    for (const script of scripts.slice(0, ours)) await client.query(script)
    await client.query(
      `INSERT INTO metrics (metric_name, metric_value, timestamp) VALUES ('old', 1, '2020-01-05Z'), ('old', 2, '2021-01-05Z'), ('old', 3, now())`,
    )
    const before = await client.query<{ row: string }>('SELECT metrics::text AS row FROM metrics ORDER BY id')
    await client.query(scripts[ours] ?? '')
    expect((await client.query('SELECT metrics::text AS row FROM metrics ORDER BY id')).rows).toEqual(before.rows)
    await client.query(`INSERT INTO metrics (metric_name, metric_value) VALUES ('new', 4)`)
    const { rows } = await client.query<{ id: string; home: string }>(
      'SELECT id, tableoid::regclass::text AS home FROM metrics ORDER BY id',
    )
    expect(rows.map(({ id }) => id)).toEqual(['1', '2', '3', '4'])
    // One month of before at each call, so that no call takes long; this one waits for the next.
    expect(rows.slice(0, 2).map(({ home }) => home)).toEqual(['metrics_default', 'metrics_2021_01'])
    expect(rows[2]?.home).toBe(rows[3]?.home)
    expect(rows[3]?.home).toMatch(/^metrics_\d{4}_\d{2}$/)
  })

  it('refuse no sample: what has no partition waits in the default one, and moves when its partition is made', async () => {
    const open = await openForTest()
    await open.db.metrics.record([sample('2024-01-31T23:59:59.999Z'), sample('2024-02-01T00:00:00Z'), sample('2024-03-02T00:00:00Z')])
    expect(await partitions(open.db)).toMatchObject({ metrics_default: 3 })
    const done = await open.db.metrics.maintain({ today: TODAY, monthsAhead: 1 })
    expect(done).toMatchObject({ outcome: 'done', moved: 3, dropped: [] })
    expect(done.made.toSorted()).toEqual(['metrics_2024_01', 'metrics_2024_02', 'metrics_2024_03', 'metrics_2024_04'])
    expect(await partitions(open.db)).toMatchObject({ metrics_2024_01: 1, metrics_2024_02: 1, metrics_2024_03: 1, metrics_default: 0 })
    expect(await open.db.metrics.series('m')).toHaveLength(3)
    expect(await open.db.metrics.maintain({ today: TODAY, monthsAhead: 1 })).toMatchObject({ made: [], moved: 0 })
  })

  it('of months that ended are dropped whole, and what is as old in the default one is deleted', async () => {
    const open = await openForTest()
    const days = ['2024-01-10', '2024-02-10', '2024-03-10']
    await open.db.metrics.record(days.map((day) => sample(`${day}T00:00:00Z`)))
    await open.db.metrics.maintain({ today: TODAY })
    await open.db.metrics.record([sample('2019-05-05T00:00:00Z')])
    const done = await open.db.metrics.maintain({ today: TODAY, keepFrom: new Date('2024-02-20T00:00:00Z') })
    expect(done).toMatchObject({ outcome: 'done', made: [], dropped: ['metrics_2024_01'], deleted: 1 })
    expect((await open.db.metrics.series('m')).map(({ timestamp }) => timestamp.toISOString().slice(0, 10))).toEqual(
      days.slice(1).toReversed(),
    )
  })

  it('begin with the month of UTC, also for a session in São Paulo', async () => {
    const { url, drop } = await createMigratedDatabase()
    onTestFinished(drop)
    const client = await connectDirectly(url)
    await client.query(`SET TimeZone = 'America/Sao_Paulo'`)
    await client.query(
      `INSERT INTO metrics (metric_name, metric_value, timestamp) VALUES ('m', 1, '2024-01-31T23:30:00-03'), ('m', 2, '2024-01-31T20:30:00-03')`,
    )
    await client.query(`SELECT * FROM metrics_make_partitions('2024-02-15T00:00:00Z', 0, NULL)`)
    const { rows } = await client.query('SELECT metric_value AS value, tableoid::regclass::text AS home FROM metrics ORDER BY 1')
    expect(rows).toEqual([
      { value: 1, home: 'metrics_2024_02' },
      { value: 2, home: 'metrics_2024_01' },
    ])
  })

  it('are looked after by one process at a time; another is told that somebody is at it', async () => {
    const open = await openForTest()
    const other = await connectDirectly(open.url)
    await other.query('BEGIN')
    await other.query(`SELECT * FROM metrics_make_partitions('2024-03-15', 0, NULL)`)
    expect(await open.db.metrics.maintain({ today: TODAY })).toMatchObject({ outcome: 'busy', made: [] })
    await other.query('COMMIT')
    expect(await open.db.metrics.maintain({ today: TODAY })).toMatchObject({ outcome: 'done' })
  })

  it('are not dropped while somebody reads for long: the wait ends, and everything is as before', async () => {
    const open = await openForTest({ resilience: { attempts: 0 } })
    await open.db.metrics.record([sample('2024-01-10T00:00:00Z')])
    await open.db.metrics.maintain({ today: TODAY })
    const reader = await connectDirectly(open.url)
    await reader.query('BEGIN')
    await reader.query('SELECT * FROM metrics')
    const keepFrom = new Date('2024-02-20T00:00:00Z')
    expect(await rejectionOf(open.db.metrics.maintain({ today: TODAY, keepFrom }))).toMatchObject({ code: 'DB_LOCK_TIMEOUT' })
    expect(await partitions(open.db)).toMatchObject({ metrics_2024_01: 1 })
    await reader.query('COMMIT')
    expect(await open.db.metrics.maintain({ today: TODAY, keepFrom })).toMatchObject({ dropped: ['metrics_2024_01'] })
  }, 30_000)

  it('are made by the owner of the table alone; another role can record all the same', async () => {
    const { url, drop } = await createMigratedDatabase()
    onTestFinished(drop)
    const client = await connectDirectly(url)
    const role = `metrics_writer_${process.pid}`
    await client.query('BEGIN')
    await client.query(`CREATE ROLE ${role}`)
    await client.query(
      `GRANT SELECT, INSERT ON metrics TO ${role}; GRANT USAGE ON SEQUENCE metrics_id_seq TO ${role}; SET LOCAL ROLE ${role}`,
    )
    await client.query(`INSERT INTO metrics (metric_name, metric_value, timestamp) VALUES ('m', 1, '2024-03-01Z')`)
    const refused = await rejectionOf(client.query(`SELECT * FROM metrics_make_partitions('2024-03-15', 0, NULL)`))
    expect(refused).toMatchObject({ code: '42501' })
    await client.query('ROLLBACK')
  })

  it.each([
    [{ today: new Date(Number.NaN) }, 'today'],
    [{ today: TODAY, monthsAhead: -1 }, 'monthsAhead'],
    [{ today: TODAY, keepFrom: new Date('2024-04-01T00:00:00Z') }, 'keepFrom'],
  ])('are not touched with the options %o', async (options, field) => {
    expect(await rejectionOf(db.metrics.maintain(options))).toMatchObject({ code: 'DB_INVALID_METRIC', facts: { field } })
  })
})

describe('a series', () => {
  it('is read from the index by name and time, without sorting all of it, and only from the months asked for', async () => {
    const open = await openForTest()
    await open.db.sql.query(`
      INSERT INTO metrics (metric_name, metric_value, timestamp)
      SELECT 'metric_' || n % 100, n, timestamptz '2024-01-01Z' + n * interval '4 minutes' FROM generate_series(1, 30000) AS n`)
    await open.db.metrics.maintain({ today: TODAY, monthsAhead: 0 })
    await open.db.sql.query('ANALYZE metrics')
    const range = { from: new Date('2024-02-10T00:00:00Z'), to: new Date('2024-02-20T00:00:00Z'), limit: 20 }
    const pruned = await planOf(open.url, 'metric_7', range)
    expect(pruned).toContain('metrics_2024_02_metric_name_timestamp_id_idx')
    expect(pruned).not.toMatch(/metrics_2024_0[13]|metrics_default|Sort|Seq Scan/)
    const whole = await planOf(open.url, 'metric_7', { limit: 10 })
    expect(whole).toContain('Merge Append')
    expect(whole).not.toMatch(/Seq Scan on metrics_\d|-> +Sort/)
  })
})

/** The plan of what Prisma really sends. */
async function planOf(url: string, name: string, range: Parameters<typeof seriesQuery>[1]): Promise<string> {
  const prisma = new PrismaClient({ adapter: new PrismaPg(url), log: [{ emit: 'event', level: 'query' }] })
  const sent: { readonly query: string; readonly params: string }[] = []
  prisma.$on('query', (event) => sent.push(event))
  try {
    await prisma.metric.findMany(seriesQuery(name, range))
  } finally {
    await prisma.$disconnect()
  }
  const [statement] = sent
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>({
      text: `EXPLAIN ${statement?.query ?? ''}`,
      values: JSON.parse(statement?.params ?? '[]') as unknown[],
    })
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  } finally {
    await client.end()
  }
}

describe('the recorder over a real server', () => {
  it('survives an outage: every sample taken meanwhile is there afterwards, once', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    await migrate({ url: server.url() })
    const own = createDatabase({ url: server.url(), auditOrigin: AUDIT_ORIGIN, resilience: { attempts: 0, breakForMs: 50 } })
    await own.start()
    onTestFinished(() => own.stop())
    const recorder = createMetricRecorder({ store: own.metrics, flushIntervalMs: 20, batchSize: 50 })
    const failures: string[] = []
    recorder.events.on('flush-failed', ({ code }) => failures.push(code))
    await recorder.start()
    const take = (from: number, to: number): void => {
      for (let value = from; value < to; value += 1) recorder.record({ name: 'outage', value })
    }
    take(0, 200)
    await server.kill()
    take(200, 500)
    await recorder.flush()
    expect(failures.length).toBeGreaterThan(0)
    await server.restart()
    take(500, 600)
    await expect.poll(() => recorder.stats().buffered, { timeout: 30_000 }).toBe(0)
    await recorder.stop()
    const values = (await own.metrics.series('outage', { limit: 1_000 })).map(({ value }) => value)
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, n) => n))
    expect(recorder.stats()).toMatchObject({ dropped: { overflow: 0, refused: 0, stopped: 0 } })
  }, 60_000)
})
