import { systemClock, type Clock } from '@cidadao/contracts'
import { ProcurementOptionError, requireInteger } from '../errors.ts'

/** `public-only` refuses addresses inside private networks, so that a user's address cannot reach our own services. */
export const REACHABLE_ADDRESSES = ['public-only', 'any'] as const
export type ReachableAddresses = (typeof REACHABLE_ADDRESSES)[number]

export interface DownloadOptions {
  /** Largest file, in bytes. @default 2_147_483_648 */
  readonly maxBytes?: number
  /** Longest time until the whole file is there, in milliseconds. @default 600_000 */
  readonly deadlineMs?: number
  /** Most redirections followed; each is checked as the first address is. @default 5 */
  readonly maxRedirects?: number
  /** Which addresses may be reached. @default 'public-only' */
  readonly addresses?: ReachableAddresses
  /** Folder for the file. @default that of the system for temporary files */
  readonly folder?: string
  readonly signal?: AbortSignal
  /** @default the system's */
  readonly clock?: Clock
}

type Bounds = Required<Pick<DownloadOptions, 'maxBytes' | 'deadlineMs' | 'maxRedirects' | 'addresses' | 'clock'>>
export type ResolvedDownloadOptions = Bounds & Pick<DownloadOptions, 'signal' | 'folder'>

const DEFAULTS: Bounds = {
  maxBytes: 2_147_483_648,
  deadlineMs: 600_000,
  maxRedirects: 5,
  addresses: 'public-only',
  clock: systemClock,
}

export function resolveDownloadOptions(options: DownloadOptions): ResolvedDownloadOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('maxBytes', resolved.maxBytes, 1)
  requireInteger('deadlineMs', resolved.deadlineMs, 1)
  requireInteger('maxRedirects', resolved.maxRedirects, 0)
  if (!REACHABLE_ADDRESSES.includes(resolved.addresses)) {
    throw new ProcurementOptionError(`addresses must be one of ${REACHABLE_ADDRESSES.join(', ')}, got "${resolved.addresses}"`)
  }
  return Object.freeze(resolved)
}
