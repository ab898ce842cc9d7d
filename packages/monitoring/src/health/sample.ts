import { toError } from '@cidadao/contracts'
import { aggregate, worse } from './aggregation.ts'
import { CHECK_STATUSES, type CheckStatus, type HealthObservation, type HealthPart, type HealthStatus } from './health-check.ts'

/** A part as it may be shown to those who may see details: no text that a contributor or a failure made up. */
export interface PartSnapshot {
  readonly name: string
  readonly status: CheckStatus
  readonly critical: boolean
  readonly observedValue?: number | string
  readonly observedUnit?: string
  readonly code?: string
  readonly children: readonly PartSnapshot[]
}

/** One run of a check: what may be shown, and beside it what is for the log only. */
export interface Sample {
  readonly part: PartSnapshot
  readonly log: { readonly detail?: string; readonly error?: Error }
}

/** Codes given by the registry itself. */
export const CHECK_CODES = {
  threw: 'HEALTH_CHECK_THREW',
  timeout: 'HEALTH_CHECK_TIMEOUT',
  invalid: 'HEALTH_CHECK_INVALID',
  stale: 'HEALTH_CHECK_STALE',
  notSampled: 'HEALTH_CHECK_NOT_SAMPLED',
} as const

const CODE = /^[A-Z][A-Z0-9_]{1,63}$/
/** A mode or a state, but neither a host name nor an address: those have dots or colons. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_+-]{0,63}$/
const VERSION = /^\d{1,4}(\.\d{1,4}){1,2}$/
const PART_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/
const LONGEST_DETAIL = 1_000

type Subject = Pick<PartSnapshot, 'name' | 'critical'>

export function toSample(subject: Subject, observation: unknown): Sample {
  if (!isObservation(observation)) return failedSample(subject, CHECK_CODES.invalid)
  const { detail } = observation
  return { part: toPart(subject, observation), log: typeof detail === 'string' ? { detail: detail.slice(0, LONGEST_DETAIL) } : {} }
}

/** The error is logged whole; of it only a stable code is shown. */
export function thrownSample(subject: Subject, thrown: unknown): Sample {
  const error = toError(thrown)
  const code = 'code' in error && typeof error.code === 'string' && CODE.test(error.code) ? error.code : CHECK_CODES.threw
  return { part: failedPart(subject, code), log: { error } }
}

export function failedSample(subject: Subject, code: string): Sample {
  return { part: failedPart(subject, code), log: {} }
}

function failedPart({ name, critical }: Subject, code: string): PartSnapshot {
  return Object.freeze({ name, critical, status: 'fail', code, children: Object.freeze([]) })
}

function toPart({ name, critical }: Subject, observation: HealthObservation): PartSnapshot {
  const children = Object.freeze((observation.children ?? []).map(toChild))
  const { observedValue, observedUnit, code } = observation
  return Object.freeze({
    name,
    critical,
    status: toCheckStatus(worse(observation.status, aggregate(children))),
    ...(observedValue === undefined ? {} : { observedValue: showable(observedValue) }),
    ...(observedUnit === undefined ? {} : { observedUnit: String(showable(observedUnit)) }),
    ...(code === undefined ? {} : { code: CODE.test(code) ? code : CHECK_CODES.invalid }),
    children,
  })
}

function toChild(child: HealthPart, index: number): PartSnapshot {
  const subject = { name: PART_NAME.test(child.name) ? child.name : `part-${index + 1}`, critical: child.critical ?? true }
  return isObservation(child) ? toPart(subject, child) : failedPart(subject, CHECK_CODES.invalid)
}

function showable(value: number | string): number | string {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  return WORD.test(value) || VERSION.test(value) ? value : 'hidden'
}

/** Contributors are code of others and may be plain JavaScript. */
function isObservation(value: unknown): value is HealthObservation {
  if (typeof value !== 'object' || value === null || !('status' in value)) return false
  if ('children' in value && value.children !== undefined && !Array.isArray(value.children)) return false
  return CHECK_STATUSES.some((status) => status === value.status)
}

/** Parts of one run are never unknown. */
function toCheckStatus(status: HealthStatus): CheckStatus {
  return status === 'unknown' ? 'warn' : status
}
