import { Conditions, type CreationRange } from './conditions.ts'
import { INVESTIGATION_STATUSES, type InvestigationStatus } from '../investigation-status.ts'
import type { OwnerScope } from '../owner-scope.ts'
import { toSafeInteger } from '../investigation-row.ts'
import type { SqlStatement } from '../../sql-executor.ts'

export interface StatsOptions extends OwnerScope, CreationRange {}

/** How values are spread; percentiles are interpolated between the two nearest values. */
export interface Distribution {
  readonly count: number
  readonly mean: number
  readonly min: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface InvestigationStats {
  readonly total: number
  readonly byStatus: Readonly<Record<InvestigationStatus, number>>
  /** Sum over all of them. */
  readonly anomaliesFound: number
  /** Of those that have one; `null` where none has. */
  readonly confidence: Distribution | null
  /** Of the completed ones, in milliseconds; `null` where there is none. */
  readonly processingTimeMs: Distribution | null
}

export type StatsRow = Readonly<Record<InvestigationStatus, string>> & {
  readonly total: string
  readonly anomalies_found: number
  readonly confidence_spread: Distribution | null
  readonly processing_time_spread: Distribution | null
}

const BY_STATUS = INVESTIGATION_STATUSES.map((status) => `count(*) FILTER (WHERE status = '${status}') AS ${status}`).join(', ')

/** One pass over the rows of the scope. Throws `InvalidInvestigationError`. */
export function statsQuery(options: StatsOptions): SqlStatement {
  const conditions = new Conditions()
  conditions.addOwner(options)
  conditions.addCreation(options)
  const text = `
SELECT count(*) AS total, ${BY_STATUS},
  coalesce(sum(anomalies_found), 0)::double precision AS anomalies_found,
  ${distribution('confidence_score', 'TRUE')} AS confidence_spread,
  ${distribution('processing_time_ms', "status = 'completed'")} AS processing_time_spread
FROM investigations ${conditions.where}`
  return { text, values: conditions.values }
}

/** Column and filter are words of this file, never a caller's. */
function distribution(column: string, filter: string): string {
  const only = `FILTER (WHERE ${filter})`
  const percentile = (share: number): string => `percentile_cont(${share}) WITHIN GROUP (ORDER BY ${column}::double precision) ${only}`
  return `CASE WHEN count(${column}) ${only} > 0 THEN json_build_object(
    'count', count(${column}) ${only}, 'mean', (avg(${column}) ${only})::double precision,
    'min', (min(${column}) ${only})::double precision, 'p50', ${percentile(0.5)}, 'p90', ${percentile(0.9)},
    'p99', ${percentile(0.99)}, 'max', (max(${column}) ${only})::double precision) END`
}

export function toStats(row: StatsRow): InvestigationStats {
  const counts = INVESTIGATION_STATUSES.map((status) => [status, toSafeInteger(status, row[status])] as const)
  return Object.freeze({
    total: toSafeInteger('total', row.total),
    byStatus: Object.freeze(Object.fromEntries(counts)) as InvestigationStats['byStatus'],
    anomaliesFound: row.anomalies_found,
    confidence: row.confidence_spread,
    processingTimeMs: row.processing_time_spread,
  })
}
