import type { JsonObject } from '@cidadao/contracts'
import type { PrismaSource } from '../prisma/prisma-source.ts'
import { InvalidMetricError } from '../errors/metric-errors.ts'
import { requireInstant, requireName, requireSample, type MetricSample } from './metric-sample.ts'

export interface MetricRecord extends Required<MetricSample> {
  readonly id: number
}

export interface SeriesRange {
  /** Earliest, inclusive. */
  readonly from?: Date
  /** Latest, exclusive. */
  readonly to?: Date
  /** Most records, 1 to 10,000. @default 1_000 */
  readonly limit?: number
}

export interface MetricMaintenanceOptions {
  /** Now. Partitions are made for its month (UTC) and those after it. */
  readonly today: Date
  /** Months after the present one that get their partition now. @default 2 */
  readonly monthsAhead?: number
  /** Months that ended before are dropped. @default nothing is */
  readonly keepFrom?: Date
}

/** `busy`: another process was at it, and nothing was done here. */
export const MAINTENANCE_OUTCOMES = ['done', 'busy'] as const
export type MaintenanceOutcome = (typeof MAINTENANCE_OUTCOMES)[number]

export interface MetricMaintenance {
  readonly outcome: MaintenanceOutcome
  /** Names of the partitions made, and of those dropped. */
  readonly made: readonly string[]
  readonly dropped: readonly string[]
  /** Rows that had come before their month's partition was there, and are in it now. */
  readonly moved: number
  /** Rows too old that had no partition of their month. */
  readonly deleted: number
}

const DEFAULT_LIMIT = 1_000
const MAX_LIMIT = 10_000
const DEFAULT_MONTHS_AHEAD = 2
const MAX_MONTHS_AHEAD = 120

/** History of a few named measurements, for reports. What is measured by the second belongs to Prometheus. */
export interface MetricStore {
  /**
   * Stores all or none. Repeated after a lost connection only where every sample has `id` and `timestamp`; those that
   * are stored already are left alone. Throws `InvalidMetricError`, `ConstraintError`.
   */
  record(samples: readonly MetricSample[]): Promise<void>
  /** One metric, newest first. */
  series(name: string, range?: SeriesRange): Promise<readonly MetricRecord[]>
  /** Deletes what is older, row by row; returns how many. */
  prune(before: Date): Promise<number>
  /**
   * Makes the partitions of the coming months and drops those of months long gone, one process at a time. Samples are
   * taken without it as well: what has no partition of its own waits in the default one.
   *
   * @throws LockTimeoutError somebody reads or writes the history for longer than two seconds; nothing was dropped
   */
  maintain(options: MetricMaintenanceOptions): Promise<MetricMaintenance>
}

interface MadeRow {
  readonly outcome: MaintenanceOutcome
  readonly made: readonly string[]
  readonly moved: bigint
  readonly waiting: boolean
}

interface DroppedRow {
  readonly outcome: MaintenanceOutcome
  readonly dropped: readonly string[]
  readonly deleted: bigint
}

const NOTHING: MetricMaintenance = { outcome: 'done', made: [], dropped: [], moved: 0, deleted: 0 }

/** The history by Prisma's queries. Apart from the interface, so that no type of Prisma is in the package's declarations. */
export class PrismaMetricStore implements MetricStore {
  readonly #prisma: PrismaSource

  constructor(prisma: PrismaSource) {
    this.#prisma = prisma
  }

  async record(samples: readonly MetricSample[]): Promise<void> {
    const data = samples.map(requireSample).map(({ tags = {}, ...sample }) => ({ ...sample, tags: structuredClone(tags) }))
    if (data.length === 0) return
    const skipDuplicates = samples.every(({ id, timestamp }) => id !== undefined && timestamp !== undefined)
    await this.#prisma.run(skipDuplicates ? 'idempotent' : 'once', (prisma) => prisma.metric.createMany({ data, skipDuplicates }))
  }

  async series(name: string, range: SeriesRange = {}): Promise<readonly MetricRecord[]> {
    const query = seriesQuery(name, range)
    const rows = await this.#prisma.run('idempotent', (prisma) => prisma.metric.findMany(query))
    return rows.map((row) => Object.freeze({ ...row, id: Number(row.id), tags: row.tags as JsonObject }))
  }

  async prune(before: Date): Promise<number> {
    requireInstant('before', before)
    const { count } = await this.#prisma.run('idempotent', (prisma) => prisma.metric.deleteMany({ where: { timestamp: { lt: before } } }))
    return count
  }

  async maintain({ today, monthsAhead = DEFAULT_MONTHS_AHEAD, keepFrom }: MetricMaintenanceOptions): Promise<MetricMaintenance> {
    requireInstant('today', today)
    if (!Number.isInteger(monthsAhead) || monthsAhead < 0 || monthsAhead > MAX_MONTHS_AHEAD) {
      throw new InvalidMetricError('monthsAhead', `must be an integer from 0 to ${MAX_MONTHS_AHEAD}`)
    }
    if (keepFrom !== undefined && requireInstant('keepFrom', keepFrom) > today) {
      throw new InvalidMetricError('keepFrom', 'must not be after today')
    }
    // Making first: a lock that cannot be had for dropping must not leave the new month without its partition.
    const made = await this.#makePartitions(today, monthsAhead, keepFrom ?? null)
    if (made.outcome === 'busy' || keepFrom === undefined) return made
    const { outcome, dropped, deleted } = await this.#dropPartitions(keepFrom)
    return { ...made, outcome, dropped, deleted: Number(deleted) }
  }

  async #makePartitions(today: Date, monthsAhead: number, keepFrom: Date | null): Promise<MetricMaintenance> {
    let done = NOTHING
    for (;;) {
      const row = await this.#first<MadeRow>(
        (prisma) => prisma.$queryRaw`
          SELECT * FROM metrics_make_partitions(${today}::timestamptz, ${monthsAhead}::integer, ${keepFrom}::timestamptz)`,
      )
      done = { ...done, outcome: row.outcome, made: [...done.made, ...row.made], moved: done.moved + Number(row.moved) }
      if (!row.waiting) return done
    }
  }

  #dropPartitions(keepFrom: Date): Promise<DroppedRow> {
    return this.#first<DroppedRow>((prisma) => prisma.$queryRaw`SELECT * FROM metrics_drop_partitions(${keepFrom}::timestamptz)`)
  }

  async #first<Row>(query: (prisma: PrismaRunner) => Promise<unknown>): Promise<Row> {
    const [row] = (await this.#prisma.run('idempotent', query)) as readonly Row[]
    if (row === undefined) throw new Error('the database gave no answer about the partitions of the metrics')
    return row
  }
}

type PrismaRunner = Parameters<Parameters<PrismaSource['run']>[1]>[0]

interface SeriesQuery {
  readonly where: { readonly name: string; readonly timestamp: { readonly gte?: Date; readonly lt?: Date } }
  readonly orderBy: ({ timestamp: 'desc' } | { id: 'desc' })[]
  readonly take: number
}

/** What Prisma is asked for; a test looks at the plan of it. */
export function seriesQuery(name: string, { from, to, limit = DEFAULT_LIMIT }: SeriesRange): SeriesQuery {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidMetricError('limit', `must be an integer from 1 to ${MAX_LIMIT}`)
  }
  const timestamp = {
    ...(from === undefined ? {} : { gte: requireInstant('from', from) }),
    ...(to === undefined ? {} : { lt: requireInstant('to', to) }),
  }
  return { where: { name: requireName(name), timestamp }, orderBy: [{ timestamp: 'desc' }, { id: 'desc' }], take: limit }
}
