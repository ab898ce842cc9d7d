import { silentLogger, systemClock, type Clock, type Logger } from '@cidadao/contracts'
import { InvalidOptionsError } from '../../errors/database-error.ts'
import { requireInteger } from '../../option-checks.ts'
import type { SqlExecutor } from '../../sql-executor.ts'
import type { AnchorSink } from '../anchors/anchor-sink.ts'
import type { Hash } from '../hash-chain.ts'
import type { NoteSigner } from '../transparency/note-key.ts'
import type { TreeHead } from '../tree/audit-tree.ts'

/** The only thing that the checkpointer needs of the tree: checked RFC 6962 proofs, for itself and for witnesses. */
export interface ConsistencySource {
  consistency(sql: SqlExecutor, older: number | TreeHead, newer: TreeHead): Promise<readonly Hash[]>
}

export interface CheckpointerOptions {
  /** Where the log is: `db.sql`. */
  readonly sql: SqlExecutor
  /** Name of the log. */
  readonly origin: string
  /** Who signs: the log's key, and while one key takes over from another both, so that holders of either can check. */
  readonly signers: readonly NoteSigner[]
  /** Verifier keys of earlier keys of this log, whose checkpoints go on to count. @default [] */
  readonly formerKeys?: readonly string[]
  /** Where checkpoints are put. At least one: a checkpoint that only the database has proves nothing about its owner. */
  readonly anchors: readonly AnchorSink[]
  /** @default a tree of its own over the same log */
  readonly tree?: ConsistencySource
  /** Longest time that a new entry waits for its checkpoint, in milliseconds. @default 60_000 */
  readonly intervalMs?: number
  /** New entries that are not made to wait. @default 1_000 */
  readonly maxEntries?: number
  /** How often the log is looked at, in milliseconds. @default 5_000 */
  readonly pollIntervalMs?: number
  /** Longest time for one question to one anchor, in milliseconds. @default 10_000 */
  readonly anchorDeadlineMs?: number
  /** First pause after an anchor failed, in milliseconds; doubled each time. @default 5_000 */
  readonly initialRetryMs?: number
  /** Longest pause, in milliseconds. @default 300_000 */
  readonly maxRetryMs?: number
  /** Longest time for the last checkpoint while stopping, in milliseconds. @default 10_000 */
  readonly stopDeadlineMs?: number
  /** @default silent */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
}

type Defaulted = 'intervalMs' | 'maxEntries' | 'pollIntervalMs' | 'anchorDeadlineMs' | 'initialRetryMs' | 'maxRetryMs' | 'stopDeadlineMs'

export type ResolvedCheckpointerOptions = Readonly<Required<Omit<CheckpointerOptions, 'tree'>>> & Pick<CheckpointerOptions, 'tree'>

const DEFAULTS: Readonly<Record<Defaulted, number>> = Object.freeze({
  intervalMs: 60_000,
  maxEntries: 1_000,
  pollIntervalMs: 5_000,
  anchorDeadlineMs: 10_000,
  initialRetryMs: 5_000,
  maxRetryMs: 300_000,
  stopDeadlineMs: 10_000,
})

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveCheckpointerOptions(options: CheckpointerOptions): ResolvedCheckpointerOptions {
  const { origin, signers, anchors } = options
  const resolved = { ...DEFAULTS, formerKeys: [], logger: silentLogger, clock: systemClock, ...options }
  if (!signers.some((signer) => signer.name === origin)) {
    throw new InvalidOptionsError('signers', `hold the key of ${origin}`, signers.map(({ name }) => name).join(', ') || 'none')
  }
  const names = anchors.map(({ name }) => name)
  if (names.length === 0) throw new InvalidOptionsError('anchors', 'are at least one, outside of the database', 'none')
  if (new Set(names).size < names.length) throw new InvalidOptionsError('anchors', 'have different names', names.join(', '))
  for (const field of Object.keys(DEFAULTS) as Defaulted[]) requireInteger(field, resolved[field], { min: 1 })
  requireInteger('maxRetryMs', resolved.maxRetryMs, { min: resolved.initialRetryMs })
  requireInteger('pollIntervalMs', resolved.pollIntervalMs, { min: 1, max: resolved.intervalMs })
  return Object.freeze(resolved)
}
