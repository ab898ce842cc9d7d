import { systemClock, type Clock } from '@cidadao/contracts'
import type { AuditActor } from '../../audit/audit-actor.ts'
import { requireInteger } from '../../option-checks.ts'
import type { UnitOfWork, UnitRunner } from '../../transactions/unit-of-work.ts'
import { TERMINAL_STATUSES, type TerminalStatus } from '../investigation-status.ts'
import type { WriteEffects } from '../write-effects.ts'
import { eraseLocked } from './erase.ts'

export interface RetentionOptions {
  /** Age from which on an investigation that has ended is erased, in milliseconds since its creation. */
  readonly olderThanMs: number
  /** Most investigations of one transaction, 1 to 1,000. @default 100 */
  readonly batchSize?: number
  /** Most investigations of one call, so that it ends. @default 10_000 */
  readonly limit?: number
  /** For the audit log. @default the system's component `retention` */
  readonly actor?: AuditActor
  /** Ends it between two batches, rejecting with the signal's reason; what is erased stays erased. @default none */
  readonly signal?: AbortSignal
}

export interface RetentionReport {
  readonly erased: number
  /** Whether more are old enough: call again. */
  readonly more: boolean
}

const DEFAULTS = Object.freeze({ batchSize: 100, limit: 10_000, actor: { kind: 'system', component: 'retention' } as const })

export interface RetentionParts {
  readonly units: UnitRunner
  readonly effects: WriteEffects
  readonly clock?: Clock
}

/** One status at a time: so the index gives the rows, and a batch costs the same however many are old. */
export const EXPIRED = `
SELECT id FROM investigations WHERE status = $1 AND created_at < $2
ORDER BY created_at DESC, id DESC LIMIT $3 FOR UPDATE SKIP LOCKED`

/** Throws `InvalidOptionsError`. */
export function resolveRetentionOptions(options: RetentionOptions): Required<Omit<RetentionOptions, 'signal'>> {
  const { olderThanMs, batchSize, limit, actor } = { ...DEFAULTS, ...options }
  requireInteger('olderThanMs', olderThanMs, { min: 1 })
  requireInteger('batchSize', batchSize, { min: 1, max: 1_000 })
  requireInteger('limit', limit, { min: 1 })
  return Object.freeze({ olderThanMs, batchSize, limit, actor })
}

/** Erases what is too old, batch by batch, each in a transaction of its own with one audit entry for each. */
export async function eraseExpired(parts: RetentionParts, options: RetentionOptions): Promise<RetentionReport> {
  const { olderThanMs, batchSize, limit, actor } = resolveRetentionOptions(options)
  const before = new Date((parts.clock ?? systemClock).now().getTime() - olderThanMs)
  let erased = 0
  for (const status of TERMINAL_STATUSES) {
    let batch: number
    do {
      options.signal?.throwIfAborted()
      if (erased === limit) return { erased, more: true }
      const rows = Math.min(batchSize, limit - erased)
      batch = await parts.units.atomically((unit) => eraseBatch(unit, { status, before, rows, actor, effects: parts.effects }))
      erased += batch
    } while (batch > 0)
  }
  return { erased, more: false }
}

interface Batch {
  readonly status: TerminalStatus
  readonly before: Date
  readonly rows: number
  readonly actor: AuditActor
  readonly effects: WriteEffects
}

async function eraseBatch(unit: UnitOfWork, { status, before, rows, actor, effects }: Batch): Promise<number> {
  const found = await unit.sql.query<{ readonly id: string }>({
    name: 'investigations.expired',
    text: EXPIRED,
    values: [status, before, rows],
  })
  for (const { id } of found.rows) await eraseLocked(unit, id, { actor, basis: 'retention', effects })
  return found.rows.length
}
