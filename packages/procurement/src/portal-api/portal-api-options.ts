import { systemClock, type Clock } from '@cidadao/contracts'
import { ProcurementOptionError, requireInteger } from '../errors.ts'

/** Where answers are kept; the composition root gives one with a policy. Keys hold the question, never the API key. */
export interface ResponseCache {
  /** The text kept under `key`, or that which `load` gives, which is then kept. */
  getOrLoad(key: string, load: () => Promise<string>): Promise<string>
}

export interface PortalApiOptions {
  /** The key that the Portal sends by e-mail. Secret. */
  readonly apiKey: string
  /** @default 'https://api.portaldatransparencia.gov.br' */
  readonly baseUrl?: string
  /** Most requests in a minute from 6 h to midnight in Brasília. @default 90 */
  readonly dayRequestsPerMinute?: number
  /** Most requests in a minute from midnight to 6 h. @default 300 */
  readonly nightRequestsPerMinute?: number
  /** Most attempts of one request, the first included. @default 4 */
  readonly maxAttempts?: number
  /** Wait before the second attempt, in milliseconds, doubled each time and jittered. @default 1_000 */
  readonly retryDelayMs?: number
  /** Longest wait for one answer, in milliseconds. @default 30_000 */
  readonly requestTimeoutMs?: number
  /** Longest time for all pages of one question, waiting for the rate limit included, in milliseconds. @default 600_000 */
  readonly deadlineMs?: number
  /** Most pages of one question. @default 2_000 */
  readonly maxPages?: number
  /** @default none: every question goes to the Portal */
  readonly cache?: ResponseCache
  readonly clock?: Clock
  /** From 0 to below 1, for the jitter. @default Math.random */
  readonly random?: () => number
}

const DEFAULTS = {
  baseUrl: 'https://api.portaldatransparencia.gov.br',
  dayRequestsPerMinute: 90,
  nightRequestsPerMinute: 300,
  maxAttempts: 4,
  retryDelayMs: 1_000,
  requestTimeoutMs: 30_000,
  deadlineMs: 600_000,
  maxPages: 2_000,
  cache: { getOrLoad: (_key: string, load: () => Promise<string>) => load() } satisfies ResponseCache,
  clock: systemClock,
  random: Math.random,
}

export type ResolvedPortalApiOptions = Required<PortalApiOptions>

const COUNTS = [
  'dayRequestsPerMinute',
  'nightRequestsPerMinute',
  'maxAttempts',
  'retryDelayMs',
  'requestTimeoutMs',
  'deadlineMs',
  'maxPages',
] as const

export function resolvePortalApiOptions(options: PortalApiOptions): ResolvedPortalApiOptions {
  const resolved = { ...DEFAULTS, ...options }
  for (const field of COUNTS) requireInteger(field, resolved[field], 1)
  // The value is a secret, so the message does not give it.
  if (!/^[\x21-\x7e]+$/.test(resolved.apiKey)) throw new ProcurementOptionError('apiKey must be printable and not empty')
  return Object.freeze(resolved)
}
