import { requireInteger } from '../errors.ts'

/** Bounds on what a source may cost, so that a damaged or hostile file cannot exhaust the machine. */
export interface SourceLimits {
  /** Longest row, in bytes; longer ones are rejected. @default 1_048_576 */
  readonly maxRowBytes?: number
  /** Largest file inside a ZIP when unpacked, in bytes. @default 8_589_934_592 */
  readonly maxEntryBytes?: number
  /** Largest ratio of unpacked to packed size of a file over 16 MiB inside a ZIP. Official files stay below 25. @default 200 */
  readonly maxCompressionRatio?: number
  /** Most files that a ZIP may list. @default 1_000 */
  readonly maxEntries?: number
}

export type ResolvedSourceLimits = Required<SourceLimits>

const DEFAULTS: ResolvedSourceLimits = { maxRowBytes: 1_048_576, maxEntryBytes: 8_589_934_592, maxCompressionRatio: 200, maxEntries: 1_000 }

export function resolveSourceLimits(limits: SourceLimits = {}): ResolvedSourceLimits {
  const resolved = { ...DEFAULTS, ...limits }
  for (const [field, value] of Object.entries(resolved)) requireInteger(field, value, 1)
  return Object.freeze(resolved)
}
