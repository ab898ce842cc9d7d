import { InvalidOptionsError } from '../../errors/database-error.ts'
import type { SqlExecutor } from '../../sql-executor.ts'
import { AuditNotOpenError, AuditPrunedError, AuditTreeError } from '../audit-errors.ts'
import { genesisHash, type Hash } from '../hash-chain.ts'
import { readTail, type LogTail } from '../log-tail.ts'
import { openCheckpoint, type CheckpointSource, type SignedCheckpoint } from '../proofs/checkpoint-source.ts'
import { encodeBase64 } from '../transparency/base64.ts'
import { AuditTree } from '../tree/audit-tree.ts'
import { EXPORT_END_FORMAT, EXPORT_FORMAT, type ExportFooter, type ExportHeader } from './export-format.ts'

export interface AuditExportOptions {
  readonly origin: string
  /** All public keys that the log has had, as C2SP verifier keys. */
  readonly vkeys: readonly string[]
  /** Where signed checkpoints come from: `storedCheckpoints(sql)`, or an anchor. */
  readonly checkpoints: CheckpointSource
  /** Number of the first entry. @default the first that was not pruned */
  readonly from?: number
  /** Number of the last entry. @default the end of the log when the export starts */
  readonly to?: number
  /** Goes on with an export that was broken off: its first line, and the number of the last entry it holds. @default a new export */
  readonly resume?: { readonly header: ExportHeader; readonly after: number }
  /** @default a tree of its own */
  readonly tree?: AuditTree
  /** Entries read at once. @default 500 */
  readonly batchSize?: number
  /** Told after each batch. */
  readonly onProgress?: (progress: { readonly exported: number; readonly total: number }) => void
  /** Ends the export between two batches; it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

interface PayloadRow {
  readonly seq: string
  readonly payload: string
}

const DEFAULT_BATCH_SIZE = 500
const MAX_BATCH_SIZE = 10_000

/**
 * The log as JSON lines: a header, one payload a line exactly as it is hashed, a footer. Text comes a batch at a time and
 * only when it is asked for, so memory does not grow with the log and a slow reader slows the reading. Entries appended
 * meanwhile are not part of it.
 *
 * @throws AuditPrunedError the entries asked for are no longer in the database
 * @throws AuditTreeError the log is not the one that was signed, or an entry is missing
 */
export async function* exportAuditLog(sql: SqlExecutor, options: AuditExportOptions): AsyncGenerator<string, void, undefined> {
  const { batchSize = DEFAULT_BATCH_SIZE, resume } = options
  requireWhole('batchSize', batchSize, 1, MAX_BATCH_SIZE)
  const tree = options.tree ?? new AuditTree()
  const header = resume?.header ?? (await makeHeader(sql, tree, options))
  requireWhole('resume.after', resume?.after ?? header.from - 1, header.from - 1, header.to)
  if (resume === undefined) yield `${JSON.stringify(header)}\n`
  for (let after = resume?.after ?? header.from - 1; after < header.to;) {
    options.signal?.throwIfAborted()
    const { rows } = await sql.query<PayloadRow>({
      name: 'audit_export',
      text: 'SELECT seq, payload FROM audit_logs WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3',
      // Not the whole rest, which a planner with old statistics would sort for each batch.
      values: [after, Math.min(header.to, after + batchSize), batchSize],
    })
    const last = Number(rows.at(-1)?.seq ?? 0)
    if (last !== after + rows.length || rows.length === 0) throw missing(after + 1)
    after = last
    yield rows.map(({ payload }) => `${payload}\n`).join('')
    options.onProgress?.({ exported: after - header.from + 1, total: header.to - header.from + 1 })
  }
  yield `${JSON.stringify(await makeFooter(sql, tree, header))}\n`
}

async function makeHeader(sql: SqlExecutor, tree: AuditTree, options: AuditExportOptions): Promise<ExportHeader> {
  const { origin, vkeys } = options
  const tail = await readTail(sql)
  if (tail.head === null) throw new AuditNotOpenError('there is no audit log in this database yet: call open() first')
  const { from = (tail.pruned?.size ?? 0) + 1, to = tail.lastSeq } = options
  requireRange(from, to, tail)
  const checkpoint = await coveringCheckpoint(options, from, to)
  const frontier = await frontierBefore(sql, tree, from, checkpoint)
  return {
    format: EXPORT_FORMAT,
    origin,
    from,
    to,
    prev: await linkAt(sql, origin, from - 1),
    frontier: frontier.map((hash) => Buffer.from(hash).toString('hex')),
    checkpoint: checkpoint?.note ?? null,
    vkeys,
  }
}

/** One that covers everything, else one that covers a part; one that ends before the first entry says nothing of them. */
async function coveringCheckpoint(options: AuditExportOptions, from: number, to: number): Promise<SignedCheckpoint | undefined> {
  const note = (await options.checkpoints(to)) ?? (await options.checkpoints(from))
  return note === undefined ? undefined : openCheckpoint(note, options.origin, options.vkeys)
}

async function frontierBefore(
  sql: SqlExecutor,
  tree: AuditTree,
  from: number,
  checkpoint: SignedCheckpoint | undefined,
): Promise<readonly Hash[]> {
  if (from === 1) return []
  const size = from - 1
  if (checkpoint === undefined) return (await tree.edge(sql, size)).frontier()
  return (await tree.edge(sql, { size, root: await tree.prefixRoot(sql, size, checkpoint) })).frontier()
}

async function makeFooter(sql: SqlExecutor, tree: AuditTree, header: ExportHeader): Promise<ExportFooter> {
  const { origin, from, to, checkpoint, vkeys } = header
  const signed = checkpoint === null ? undefined : openCheckpoint(checkpoint, origin, vkeys)
  const consistency = signed === undefined || signed.size <= to ? [] : await tree.consistency(sql, to, signed)
  return {
    format: EXPORT_END_FORMAT,
    count: to - from + 1,
    hash_chain: await linkAt(sql, origin, to),
    consistency: consistency.map(encodeBase64),
  }
}

/** hₙ as the log states it: an auditor recomputes it from the entries. */
async function linkAt(sql: SqlExecutor, origin: string, seq: number): Promise<string> {
  if (seq === 0) return genesisHash(origin).toString('hex')
  const { rows } = await sql.query<{ readonly hash_chain: string }>({
    name: 'audit_export_link',
    text: 'SELECT hash_chain FROM audit_logs WHERE seq = $1 UNION ALL SELECT hash_chain FROM audit_pruned WHERE size = $1',
    values: [seq],
  })
  return rows[0]?.hash_chain ?? fail(seq)
}

function requireRange(from: number, to: number, { lastSeq, pruned }: LogTail): void {
  requireWhole('from', from, 1, lastSeq + 1)
  requireWhole('to', to, from - 1, lastSeq)
  if (pruned === undefined || from > pruned.size) return
  const { size: prunedTo, archiveSha256 } = pruned
  throw new AuditPrunedError(`entries up to ${prunedTo} were pruned: they are in the export with SHA-256 ${archiveSha256}`, {
    facts: { prunedTo, archiveSha256 },
  })
}

function requireWhole(field: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new InvalidOptionsError(field, `is a whole number from ${min} to ${max}`, String(value))
  }
}

function missing(seq: number): AuditTreeError {
  return new AuditTreeError(`entry ${seq} is missing from the log: verify it`, { facts: { reason: 'short', size: seq } })
}

function fail(seq: number): never {
  throw missing(seq)
}
