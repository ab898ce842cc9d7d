import { createHash } from 'node:crypto'
import type { SqlExecutor } from '../../sql-executor.ts'
import type { AuditActor } from '../audit-actor.ts'
import type { AuditEntry, PreparedEntry } from '../audit-entry.ts'
import { AuditPruneError } from '../audit-errors.ts'
import { readEntries, toStoredEntry, type AppendRow } from '../audit-statements.ts'
import { ChainReplay, type AuditPosition } from '../chain-replay.ts'
import { readTrusted, trustKeys } from '../checkpoints/trusted-checkpoint.ts'
import { parseFooter, parseHeader, readLines, type ExportLine } from '../export/export-lines.ts'
import { readTail } from '../log-tail.ts'
import { encodeBase64 } from '../transparency/base64.ts'
import { AuditTree } from '../tree/audit-tree.ts'
import { positionOf } from './pruned-log.ts'

export interface AuditPruneOptions {
  /** Number of the last entry to remove. A signed checkpoint of exactly that size has to exist. */
  readonly to: number
  /** That checkpoint, as an anchor outside this database holds it. */
  readonly checkpoint: string
  /** All public keys that the log has had, as C2SP verifier keys. */
  readonly vkeys: readonly string[]
  /** The export of exactly the entries to remove, as it is kept: every byte of it is read again and compared. */
  readonly archive: AsyncIterable<unknown>
  readonly actor: AuditActor
  /** @default a tree of its own */
  readonly tree?: AuditTree
  /** Ends the comparison between two batches; nothing is removed then. */
  readonly signal?: AbortSignal
}

export interface AuditPruning {
  /** Number of the entry `audit.pruned`. */
  readonly seq: number
  readonly prunedTo: number
  /** Entries removed. */
  readonly removed: number
  readonly archiveSha256: string
}

/** What pruning needs of the log whose entries they are. */
export interface PruneContext {
  readonly origin: string
  readonly prepare: (entry: AuditEntry) => PreparedEntry
}

/** An archive that was found to hold the entries. */
interface Compared {
  readonly sha256: string
  readonly position: AuditPosition
  readonly root: Uint8Array
}

const BATCH_SIZE = 500

/**
 * Removes the oldest entries once they are safe elsewhere: recomputed from the start, the same as those of the signed
 * checkpoint, and byte for byte in the archive. Then `audit.pruned` is appended, the place where the log begins now is
 * recorded, and the entries go, with what opened their commitments; all in one statement, which the database's own rules
 * have to pass. Rejects with `AuditPruneError` where a rule is broken; then nothing was removed.
 */
export async function pruneAuditLog(sql: SqlExecutor, context: PruneContext, options: AuditPruneOptions): Promise<AuditPruning> {
  const { to } = options
  const verdict = readTrusted(options.checkpoint, trustKeys(context.origin, options.vkeys))
  if (verdict.outcome === 'refused') throw refused(`the checkpoint is to be trusted: ${verdict.reason}`)
  const { checkpoint } = verdict
  if (checkpoint.size !== to) throw refused(`the checkpoint has exactly the ${to} entries to remove; it has ${checkpoint.size}`)
  const { pruned } = await readTail(sql)
  const before = pruned?.size ?? 0
  if (to <= before) throw refused(`entries up to ${before} are pruned already`)
  const start = pruned === undefined ? undefined : positionOf(pruned)
  const compared = await compareArchive(sql, new ChainReplay(context.origin, start), { ...options, origin: context.origin })
  if (Buffer.compare(compared.root, checkpoint.root) !== 0) throw refused('the entries are those of the checkpoint')
  const edge = await (options.tree ?? new AuditTree()).edge(sql, checkpoint)
  const { hashChain } = compared.position
  const data = { size: to, root: encodeBase64(checkpoint.root), hash_chain: hashChain, archive_sha256: compared.sha256 }
  const { payload } = context.prepare({ actor: options.actor, action: 'audit.pruned', data })
  const { rows } = await sql.query<AppendRow>({
    name: 'audit_prune',
    text: 'SELECT seq FROM audit_prune($1, $2::bytea[], $3, $4)',
    values: [to, edge.levels().map((hashes) => Buffer.concat(hashes)), compared.sha256, payload],
  })
  return { seq: Number(rows[0]?.seq), prunedTo: to, removed: to - before, archiveSha256: compared.sha256 }
}

/** Reads log and archive side by side; the log is recomputed, the archive has to be the same text. */
async function compareArchive(
  sql: SqlExecutor,
  replay: ChainReplay,
  options: AuditPruneOptions & { readonly origin: string },
): Promise<Compared> {
  const hash = createHash('sha256')
  const lines = readLines(options.archive, hash)
  const { origin, from, to } = parseHeader(await nextLine(lines))
  const [first, count] = [replay.seq + 1, options.to - replay.seq]
  if (origin !== options.origin || from !== first || to !== options.to) {
    throw refused(`the archive holds the entries ${first} to ${options.to} of ${options.origin}; it says ${from} to ${to} of ${origin}`)
  }
  while (replay.seq < to) {
    options.signal?.throwIfAborted()
    const rows = await readEntries(sql, replay.seq, to, BATCH_SIZE)
    if (rows.length === 0) throw refused(`the log has ${to} entries; it ends at ${replay.seq}`)
    for (const row of rows) {
      const finding = replay.accept(toStoredEntry(row))
      if (finding !== undefined) throw refused(`the log is whole: ${finding.detail}`)
      if ((await nextLine(lines)) !== row.payload) throw refused(`the archive holds entry ${row.seq} as it is`)
    }
  }
  const footer = parseFooter(await nextLine(lines))
  if (footer.count !== count || footer.hash_chain !== replay.hashChain) throw refused('the archive ends where the entries end')
  if ((await lines.next()).done !== true) throw refused('nothing follows the last line of the archive')
  return { sha256: hash.digest('hex'), position: replay.position(0), root: replay.root() }
}

async function nextLine(lines: AsyncGenerator<ExportLine>): Promise<string> {
  const { value } = (await lines.next()) as IteratorResult<ExportLine, undefined>
  if (value?.isWhole !== true) throw refused('the archive is complete')
  return value.text
}

function refused(rule: string): AuditPruneError {
  return new AuditPruneError(`nothing was pruned, since a rule is broken: ${rule}`, { facts: { rule } })
}
