import { InvalidOptionsError } from '../errors/database-error.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { AuditNotOpenError } from './audit-errors.ts'
import { countStatement, readEntries, toStoredEntry, type CountRow, type EntryRow } from './audit-statements.ts'
import { ChainReplay, type AuditFault, type AuditFinding, type AuditPosition, type StoredEntry } from './chain-replay.ts'
import { readTrusted, trustKeys, type TrustedKeys } from './checkpoints/trusted-checkpoint.ts'
import { readTail, type LogTail } from './log-tail.ts'
import { positionOf, type PrunedLog } from './prune/pruned-log.ts'
import type { Checkpoint } from './transparency/checkpoint.ts'

export interface AuditVerifyOptions {
  /** Where an earlier verification ended: entries up to there are taken as verified. @default the beginning */
  readonly from?: AuditPosition
  /** Last entry to verify. @default the end of the log when the verification starts */
  readonly to?: number
  /** A signed checkpoint, kept outside this database, that the log has to contain. Needs `vkey`. */
  readonly checkpoint?: string
  /**
   * The log's public key as C2SP verifier key, or all that it has had. Without it the place where a pruned log begins
   * has to be believed; nothing else is checked by it without `checkpoint`.
   */
  readonly vkey?: string | readonly string[]
  /** Entries read at once. @default 1_000 */
  readonly batchSize?: number
  /** Told after each batch. */
  readonly onProgress?: (progress: AuditProgress) => void
  /** Ends the verification between two batches; it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface AuditProgress {
  /** Entries verified in this run. */
  readonly checked: number
  /** Entries that this run has to verify. */
  readonly total: number
}

interface AuditCoverage {
  /** Entries found good in this run. */
  readonly checked: number
  /** Size of the largest checkpoint found to hold: what is above could have been rewritten by an owner of the database. */
  readonly anchoredTo: number
  /** Entries above `anchoredTo`. */
  readonly unanchored: number
  /** Entries up to this number were pruned, and only their checkpoint was looked at; 0 where none were. */
  readonly prunedTo: number
}

/** The verdict on a log, with how far it reaches; never a bare boolean. */
export type AuditVerification =
  | (AuditCoverage & { readonly ok: true; readonly kind: null; readonly firstBadSeq: null; readonly position: AuditPosition })
  | (AuditCoverage & { readonly ok: false; readonly kind: AuditFault; readonly firstBadSeq: number | null; readonly detail: string })

const DEFAULT_BATCH_SIZE = 1_000
const MAX_BATCH_SIZE = 10_000

/** Recomputes the log of `origin` and compares. Reads only, in batches, with memory that does not grow with the log. */
export async function verifyAuditLog(sql: SqlExecutor, origin: string, options: AuditVerifyOptions = {}): Promise<AuditVerification> {
  requireOptions(options)
  const tail = await readTail(sql)
  if (tail.head === null && tail.lastSeq === 0 && options.checkpoint === undefined) {
    throw new AuditNotOpenError('there is no audit log in this database yet: call open() first')
  }
  return new Verification({ origin, tail, options }).run(sql)
}

interface VerificationParts {
  readonly origin: string
  readonly tail: LogTail
  readonly options: AuditVerifyOptions
}

class Verification {
  readonly #parts: VerificationParts
  readonly #keys: TrustedKeys | undefined
  readonly #replay: ChainReplay
  /** The pruning that this run begins at, in place of genesis. */
  readonly #pruned: PrunedLog | undefined
  readonly #start: number
  readonly #end: number
  #anchoredTo: number

  constructor(parts: VerificationParts) {
    const { origin, tail, options } = parts
    const { from, to, vkey } = options
    this.#parts = parts
    this.#keys = vkey === undefined ? undefined : trustKeys(origin, typeof vkey === 'string' ? [vkey] : vkey)
    this.#pruned = tail.pruned !== undefined && (from?.seq ?? 0) < tail.pruned.size ? tail.pruned : undefined
    this.#replay = new ChainReplay(origin, this.#pruned === undefined ? from : positionOf(this.#pruned))
    this.#start = this.#replay.seq
    this.#end = to ?? Math.max(tail.lastSeq, tail.head?.seq ?? 0)
    this.#anchoredTo = from?.anchoredTo ?? 0
    if (this.#end < this.#start && this.#pruned !== undefined) {
      throw new InvalidOptionsError('to', `is at least ${this.#start}: entries before are pruned`, String(to))
    }
  }

  async run(sql: SqlExecutor): Promise<AuditVerification> {
    const checkpoint = this.#readCheckpoint()
    if (checkpoint !== undefined && 'kind' in checkpoint) return this.#failed(checkpoint)
    const finding =
      this.#checkPruned() ??
      this.#checkRoot(checkpoint) ??
      (await this.#replayEntries(sql, checkpoint)) ??
      this.#checkEnd(checkpoint) ??
      (await this.#checkStrays(sql))
    return finding === undefined ? this.#passed() : this.#failed(finding)
  }

  #readCheckpoint(): Checkpoint | AuditFinding | undefined {
    const { options } = this.#parts
    if (options.checkpoint === undefined || this.#keys === undefined) return undefined
    const verdict = readTrusted(options.checkpoint, this.#keys)
    if (verdict.outcome === 'refused') return { kind: 'signature', firstBadSeq: null, detail: verdict.reason }
    const { checkpoint } = verdict
    if (checkpoint.size < this.#start) {
      const before = this.#pruned === undefined ? 'before `from`' : 'that are pruned; an older one takes a consistency proof'
      throw new InvalidOptionsError('checkpoint', `covers at least the ${this.#start} entries ${before}`, String(checkpoint.size))
    }
    if (options.to !== undefined && checkpoint.size > options.to) {
      throw new InvalidOptionsError('to', `is at least the checkpoint's size ${checkpoint.size}`, String(options.to))
    }
    return checkpoint
  }

  /** The place where a pruned log begins is the database's word, until the checkpoint signed for it is looked at. */
  #checkPruned(): AuditFinding | undefined {
    const pruned = this.#pruned
    if (pruned === undefined || this.#keys === undefined) return undefined
    const verdict = readTrusted(pruned.note, this.#keys)
    if (verdict.outcome === 'refused') {
      return { kind: 'signature', firstBadSeq: null, detail: `the checkpoint of the ${pruned.size} entries pruned: ${verdict.reason}` }
    }
    const { size, root } = verdict.checkpoint
    if (size !== pruned.size || Buffer.compare(this.#replay.root(), root) !== 0) {
      return { kind: 'root', firstBadSeq: null, detail: `the ${pruned.size} entries pruned are not those of their checkpoint` }
    }
    this.#anchoredTo = Math.max(this.#anchoredTo, size)
    return undefined
  }

  async #replayEntries(sql: SqlExecutor, checkpoint: Checkpoint | undefined): Promise<AuditFinding | undefined> {
    const { onProgress, signal } = this.#parts.options
    let batch = this.#read(sql, this.#replay.seq)
    try {
      while (this.#replay.seq < this.#end) {
        signal?.throwIfAborted()
        const rows = await batch
        const last = rows.at(-1)
        if (last === undefined) return undefined
        // The database reads the next ones while these are being hashed.
        batch = this.#read(sql, Number(last.seq))
        for (const row of rows) {
          const entry = toStoredEntry(row)
          const finding = this.#replay.accept(entry) ?? this.#checkPruning(entry) ?? this.#checkRoot(checkpoint)
          if (finding !== undefined) return finding
        }
        onProgress?.({ checked: this.#checked, total: this.#end - this.#start })
      }
      return undefined
    } finally {
      // Nothing is left running. Its failure, if it has one, is not of interest: the verdict stands without it.
      await batch.catch(() => [])
    }
  }

  async #read(sql: SqlExecutor, after: number): Promise<readonly EntryRow[]> {
    const { batchSize = DEFAULT_BATCH_SIZE } = this.#parts.options
    return after < this.#end ? readEntries(sql, after, this.#end, batchSize) : []
  }

  /** The log itself tells where it was pruned, and with which hash: the record beside it may not say anything else. */
  #checkPruning({ seq, columns }: StoredEntry): AuditFinding | undefined {
    const { pruned } = this.#parts.tail
    if (seq !== pruned?.entrySeq) return undefined
    const told = (columns.action === 'audit.pruned' ? JSON.parse(columns.dataJson) : {}) as Readonly<Record<string, unknown>>
    const isSame = told.size === pruned.size && told.hash_chain === pruned.hashChain && told.archive_sha256 === pruned.archiveSha256
    return isSame ? undefined : inconsistent(seq, `entry ${seq} does not tell of the pruning that is recorded`)
  }

  #checkRoot(checkpoint: Checkpoint | undefined): AuditFinding | undefined {
    if (checkpoint?.size !== this.#replay.seq) return undefined
    if (Buffer.compare(this.#replay.root(), checkpoint.root) !== 0) {
      return { kind: 'root', firstBadSeq: null, detail: `the first ${checkpoint.size} entries are not those of the checkpoint` }
    }
    this.#anchoredTo = Math.max(this.#anchoredTo, checkpoint.size)
    return undefined
  }

  #checkEnd(checkpoint: Checkpoint | undefined): AuditFinding | undefined {
    const { tail, origin, options } = this.#parts
    const { head, lastSeq } = tail
    const expected = Math.max(options.to ?? head?.seq ?? 0, checkpoint?.size ?? 0, this.#start)
    // Numbered by what the table holds, not by what was replayed: with `from`, the end may lie before the start.
    if (lastSeq < expected) return short(lastSeq, expected)
    if (head === null) return inconsistent(1, 'the head row is missing')
    if (head.origin !== origin) return inconsistent(null, `the head row is of ${head.origin}, the log is ${origin}`)
    if (options.to !== undefined && options.to < lastSeq) return undefined
    if (lastSeq > head.seq) return inconsistent(head.seq + 1, `entries go on after the head row, which stands at ${head.seq}`)
    if (this.#replay.hashChain !== head.hashChain) return inconsistent(lastSeq, 'the last entry is not the one of the head row')
    return undefined
  }

  /**
   * Rows that reading by number never meets: below 1, without a number, or twice the same across two batches. Each
   * takes a dropped constraint; readers would still be shown them. Costs a scan, so only whole verifications look.
   */
  async #checkStrays(sql: SqlExecutor): Promise<AuditFinding | undefined> {
    const before = this.#pruned?.size ?? 0
    if (this.#start > before) return undefined
    const { rows } = await sql.query<CountRow>(countStatement(this.#replay.seq))
    const strays = Number(rows[0]?.count) - (this.#replay.seq - before)
    return strays === 0 ? undefined : inconsistent(null, `the table holds ${strays} rows that are no part of the chain`)
  }

  get #checked(): number {
    return this.#replay.seq - this.#start
  }

  #coverage(): AuditCoverage {
    const last = Math.max(this.#parts.tail.lastSeq, this.#replay.seq)
    const unanchored = Math.max(0, last - this.#anchoredTo)
    return { checked: this.#checked, anchoredTo: this.#anchoredTo, unanchored, prunedTo: this.#parts.tail.pruned?.size ?? 0 }
  }

  #passed(): AuditVerification {
    return { ok: true, ...this.#coverage(), kind: null, firstBadSeq: null, position: this.#replay.position(this.#anchoredTo) }
  }

  #failed({ kind, firstBadSeq, detail }: AuditFinding): AuditVerification {
    return { ok: false, ...this.#coverage(), kind, firstBadSeq, detail }
  }
}

function short(lastSeq: number, expected: number): AuditFinding {
  return { kind: 'short', firstBadSeq: lastSeq + 1, detail: `the log ends at ${lastSeq}, but had at least ${expected} entries` }
}

function inconsistent(firstBadSeq: number | null, detail: string): AuditFinding {
  return { kind: 'inconsistent', firstBadSeq, detail }
}

function requireOptions(options: AuditVerifyOptions): void {
  const { from, to, checkpoint, vkey, batchSize = DEFAULT_BATCH_SIZE } = options
  if (checkpoint !== undefined && vkey === undefined) throw new InvalidOptionsError('checkpoint', 'comes with vkey', 'no vkey')
  requireWhole('batchSize', batchSize, 1, MAX_BATCH_SIZE)
  if (to !== undefined) requireWhole('to', to, from?.seq ?? 0, Number.MAX_SAFE_INTEGER)
}

function requireWhole(field: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new InvalidOptionsError(field, `is a whole number from ${min} to ${max}`, String(value))
  }
}
