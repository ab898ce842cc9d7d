import type { JsonObject } from '@cidadao/contracts'
import { aggregate } from './aggregation.ts'
import type { CheckSnapshot } from './check-sampler.ts'
import type { HealthStatus, ResolvedContributor } from './health-check.ts'
import { CHECK_CODES, type PartSnapshot } from './sample.ts'

export const HEALTH_CONTENT_TYPE = 'application/health+json'

export const REPORT_DETAILS = ['none', 'full'] as const
/** `none` for strangers, `full` for those with a role. */
export type ReportDetails = (typeof REPORT_DETAILS)[number]

/** An answer that a handler sends as it is. */
export interface HealthReport {
  readonly status: HealthStatus
  readonly httpStatus: 200 | 503
  readonly contentType: typeof HEALTH_CONTENT_TYPE
  readonly body: JsonObject
}

/** The answer of a probe, and for the log why it is no. */
export interface ProbeReport extends HealthReport {
  readonly status: 'pass' | 'fail'
  /** Codes, with the check's name where there is one: `postgresql:DB_UNREACHABLE`. */
  readonly reasons: readonly string[]
}

/** A check as of now: its last snapshot, and whether that still counts. */
export interface CheckView {
  readonly contributor: ResolvedContributor
  readonly snapshot: CheckSnapshot | undefined
  readonly status: HealthStatus
  readonly code: string | undefined
}

/** A snapshot that is too old says nothing: unknown, and a failure where the whole depends on it. */
export function viewCheck(
  contributor: ResolvedContributor,
  snapshot: CheckSnapshot | undefined,
  ageLimit: { nowMs: number; staleAfterMs: number },
): CheckView {
  if (snapshot === undefined) return { contributor, snapshot, status: 'unknown', code: CHECK_CODES.notSampled }
  if (ageLimit.nowMs - snapshot.sampledAtMs > ageLimit.staleAfterMs) {
    return { contributor, snapshot, status: contributor.critical ? 'fail' : 'unknown', code: CHECK_CODES.stale }
  }
  return { contributor, snapshot, status: snapshot.debounced.status, code: snapshot.part.code }
}

export function toProbe(reasons: readonly string[]): ProbeReport {
  const status = reasons.length === 0 ? 'pass' : 'fail'
  const httpStatus = status === 'pass' ? 200 : 503
  return Object.freeze({
    status,
    httpStatus,
    contentType: HEALTH_CONTENT_TYPE,
    body: Object.freeze({ status }),
    reasons: Object.freeze([...reasons]),
  })
}

export function toReport(views: readonly CheckView[], time: Date, details: ReportDetails): HealthReport {
  const status = aggregate(views.map((view) => ({ status: view.status, critical: view.contributor.critical })))
  const httpStatus = status === 'fail' ? 503 : 200
  const body: JsonObject = details === 'none' ? { status } : { status, time: time.toISOString(), checks: toChecks(views) }
  return Object.freeze({ status, httpStatus, contentType: HEALTH_CONTENT_TYPE, body: Object.freeze(body) })
}

function toChecks(views: readonly CheckView[]): JsonObject {
  return Object.freeze(Object.fromEntries(views.flatMap((view) => toEntries(view))))
}

function toEntries(view: CheckView): (readonly [string, readonly JsonObject[]])[] {
  const { contributor, snapshot, status, code } = view
  const { name, critical } = contributor
  if (snapshot === undefined) return [entry(name, { status, critical, ...output(code) })]
  const { part, debounced, sampledAt, durationMs } = snapshot
  const time = sampledAt.toISOString()
  const head = {
    status,
    critical,
    ...observed(part),
    ...output(code),
    time,
    lastSample: part.status,
    failuresInRow: debounced.failuresInRow,
  }
  const responseTime = { observedValue: Math.round(durationMs * 1_000) / 1_000, observedUnit: 'ms', time }
  return [
    entry(name, head),
    entry(`${name}:responseTime`, responseTime),
    ...part.children.flatMap((child) => toChildEntries(name, child, time)),
  ]
}

function toChildEntries(parent: string, part: PartSnapshot, time: string): (readonly [string, readonly JsonObject[]])[] {
  const name = `${parent}:${part.name}`
  const { status, critical } = part
  return [
    entry(name, { status, critical, ...observed(part), ...output(part.code), time }),
    ...part.children.flatMap((child) => toChildEntries(name, child, time)),
  ]
}

/** The format has a list a measurement, so that several components may share a name. */
function entry(name: string, value: JsonObject): readonly [string, readonly JsonObject[]] {
  return [name, Object.freeze([Object.freeze(value)])]
}

function observed({ observedValue, observedUnit }: PartSnapshot): JsonObject {
  return { ...(observedValue === undefined ? {} : { observedValue }), ...(observedUnit === undefined ? {} : { observedUnit }) }
}

function output(code: string | undefined): JsonObject {
  return code === undefined ? {} : { output: code }
}
