import type { JsonObject } from '@cidadao/contracts'
import type { PrismaSource } from '../prisma/prisma-source.ts'
import { InvalidMetricError } from '../errors/metric-errors.ts'

export interface MetricSample {
  /** At most 100 characters. */
  readonly name: string
  readonly value: number
  /** Dimensions; few and bounded, at most 2 KB. @default {} */
  readonly tags?: JsonObject
  /** @default now, by the database */
  readonly timestamp?: Date
}

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

const DEFAULT_LIMIT = 1_000
const MAX_LIMIT = 10_000

/** History of a few named measurements, for reports. What is measured by the second belongs to Prometheus. */
export interface MetricStore {
  /** Stores all or none. Throws `InvalidMetricError`, `ConstraintError`. */
  record(samples: readonly MetricSample[]): Promise<void>
  /** One metric, newest first. */
  series(name: string, range?: SeriesRange): Promise<readonly MetricRecord[]>
  /** Deletes what is older; returns how many. */
  prune(before: Date): Promise<number>
}

/** The history by Prisma's queries. Apart from the interface, so that no type of Prisma is in the package's declarations. */
export class PrismaMetricStore implements MetricStore {
  readonly #prisma: PrismaSource

  constructor(prisma: PrismaSource) {
    this.#prisma = prisma
  }

  async record(samples: readonly MetricSample[]): Promise<void> {
    const data = samples.map(({ name, value, tags = {}, timestamp }) => ({
      name: requireName(name),
      value: requireFinite(value),
      tags: structuredClone(tags),
      ...(timestamp === undefined ? {} : { timestamp }),
    }))
    if (data.length > 0) await this.#prisma.run('once', (prisma) => prisma.metric.createMany({ data }))
  }

  async series(name: string, range: SeriesRange = {}): Promise<readonly MetricRecord[]> {
    const { from, to, limit = DEFAULT_LIMIT } = range
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      throw new InvalidMetricError('limit', `must be an integer from 1 to ${MAX_LIMIT}`)
    const timestamp = { ...(from === undefined ? {} : { gte: from }), ...(to === undefined ? {} : { lt: to }) }
    const rows = await this.#prisma.run('idempotent', (prisma) =>
      prisma.metric.findMany({ where: { name, timestamp }, orderBy: [{ timestamp: 'desc' }, { id: 'desc' }], take: limit }),
    )
    return rows.map((row) => Object.freeze({ ...row, id: Number(row.id), tags: row.tags as JsonObject }))
  }

  async prune(before: Date): Promise<number> {
    const { count } = await this.#prisma.run('idempotent', (prisma) => prisma.metric.deleteMany({ where: { timestamp: { lt: before } } }))
    return count
  }
}

function requireName(name: string): string {
  if (name.trim() === '' || name.length > 100) throw new InvalidMetricError('name', 'must have 1 to 100 characters')
  return name
}

/** Prisma would store Infinity as NULL. */
function requireFinite(value: number): number {
  if (!Number.isFinite(value)) throw new InvalidMetricError('value', 'must be a finite number')
  return value
}
