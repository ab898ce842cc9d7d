import { InvalidOptionsError } from '../errors/database-error.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { AuditNotOpenError } from './audit-errors.ts'
import {
  countStatement,
  rangeStatement,
  tailStatement,
  toStoredEntry,
  type CountRow,
  type EntryRow,
  type TailRow,
} from './audit-statements.ts'
import { ChainReplay, type AuditFault, type AuditFinding, type AuditPosition } from './chain-replay.ts'
import { verifyCheckpoint, type Checkpoint } from './transparency/checkpoint.ts'

export interface AuditVerifyOptions {
  /** Where an earlier verification ended: entries up to there are taken as verified. @default the beginning */
  readonly from?: AuditPosition
  /** Last entry to verify. @default the end of the log when the verification starts */
  readonly to?: number
  /** A signed checkpoint, kept outside this database, that the log has to contain. Needs `vkey`. */
  readonly checkpoint?: string
  /** The log's public key as C2SP verifier key. Needs `checkpoint`. */
  readonly vkey?: string
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

interface Tail {
  readonly head: { readonly origin: string; readonly seq: number; readonly hashChain: string } | null
  readonly lastSeq: number
}

interface VerificationParts {
  readonly origin: string
  readonly tail: Tail
  readonly options: AuditVerifyOptions
}

class Verification {
  readonly #parts: VerificationParts
  readonly #replay: ChainReplay
  readonly #start: number
  readonly #end: number
  #anchoredTo: number

  constructor(parts: VerificationParts) {
    const { origin, tail, options } = parts
    this.#parts = parts
    this.#replay = new ChainReplay(origin, options.from)
    this.#start = this.#replay.seq
    this.#end = options.to ?? Math.max(tail.lastSeq, tail.head?.seq ?? 0)
    this.#anchoredTo = options.from?.anchoredTo ?? 0
  }

  async run(sql: SqlExecutor): Promise<AuditVerification> {
    const checkpoint = this.#readCheckpoint()
    if (checkpoint !== undefined && 'kind' in checkpoint) return this.#failed(checkpoint)
    const finding =
      this.#checkRoot(checkpoint) ??
      (await this.#replayEntries(sql, checkpoint)) ??
      this.#checkEnd(checkpoint) ??
      (await this.#checkStrays(sql))
    return finding === undefined ? this.#passed() : this.#failed(finding)
  }

  #readCheckpoint(): Checkpoint | AuditFinding | undefined {
    const { origin, options } = this.#parts
    if (options.checkpoint === undefined || options.vkey === undefined) return undefined
    const verdict = verifyCheckpoint(options.checkpoint, options.vkey)
    if (verdict.outcome === 'refused') return { kind: 'signature', firstBadSeq: null, detail: verdict.reason }
    const { checkpoint } = verdict
    if (checkpoint.origin !== origin) {
      return { kind: 'signature', firstBadSeq: null, detail: `the checkpoint is of ${checkpoint.origin}, the log is ${origin}` }
    }
    if (checkpoint.size < this.#start) {
      throw new InvalidOptionsError('checkpoint', `covers at least the ${this.#start} entries before \`from\``, String(checkpoint.size))
    }
    if (options.to !== undefined && checkpoint.size > options.to) {
      throw new InvalidOptionsError('to', `is at least the checkpoint's size ${checkpoint.size}`, String(options.to))
    }
    return checkpoint
  }

  async #replayEntries(sql: SqlExecutor, checkpoint: Checkpoint | undefined): Promise<AuditFinding | undefined> {
    const { batchSize = DEFAULT_BATCH_SIZE, onProgress, signal } = this.#parts.options
    while (this.#replay.seq < this.#end) {
      signal?.throwIfAborted()
      const { rows } = await sql.query<EntryRow>(rangeStatement(this.#replay.seq, this.#end, batchSize))
      if (rows.length === 0) return undefined
      for (const row of rows) {
        const finding = this.#replay.accept(toStoredEntry(row)) ?? this.#checkRoot(checkpoint)
        if (finding !== undefined) return finding
      }
      onProgress?.({ checked: this.#checked, total: this.#end - this.#start })
    }
    return undefined
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
    if (this.#start > 0) return undefined
    const { rows } = await sql.query<CountRow>(countStatement(this.#replay.seq))
    const strays = Number(rows[0]?.count) - this.#replay.seq
    return strays === 0 ? undefined : inconsistent(null, `the table holds ${strays} rows that are no part of the chain`)
  }

  get #checked(): number {
    return this.#replay.seq - this.#start
  }

  #coverage(): AuditCoverage {
    const last = Math.max(this.#parts.tail.lastSeq, this.#replay.seq)
    return { checked: this.#checked, anchoredTo: this.#anchoredTo, unanchored: Math.max(0, last - this.#anchoredTo) }
  }

  #passed(): AuditVerification {
    return { ok: true, ...this.#coverage(), kind: null, firstBadSeq: null, position: this.#replay.position(this.#anchoredTo) }
  }

  #failed({ kind, firstBadSeq, detail }: AuditFinding): AuditVerification {
    return { ok: false, ...this.#coverage(), kind, firstBadSeq, detail }
  }
}

async function readTail(sql: SqlExecutor): Promise<Tail> {
  const { rows } = await sql.query<TailRow>(tailStatement())
  const [row] = rows
  if (row === undefined) throw new Error('the database gave no answer about the end of the audit log')
  const { origin, head_seq: headSeq, head_hash: hashChain } = row
  const head = origin === null || headSeq === null || hashChain === null ? null : { origin, seq: Number(headSeq), hashChain }
  return { head, lastSeq: Number(row.last_seq) }
}

function short(lastSeq: number, expected: number): AuditFinding {
  return { kind: 'short', firstBadSeq: lastSeq + 1, detail: `the log ends at ${lastSeq}, but had at least ${expected} entries` }
}

function inconsistent(firstBadSeq: number | null, detail: string): AuditFinding {
  return { kind: 'inconsistent', firstBadSeq, detail }
}

function requireOptions(options: AuditVerifyOptions): void {
  const { from, to, checkpoint, vkey, batchSize = DEFAULT_BATCH_SIZE } = options
  if ((checkpoint === undefined) !== (vkey === undefined)) {
    throw new InvalidOptionsError(
      'checkpoint',
      'comes with vkey, and vkey with checkpoint',
      checkpoint === undefined ? 'vkey alone' : 'no vkey',
    )
  }
  requireWhole('batchSize', batchSize, 1, MAX_BATCH_SIZE)
  if (to !== undefined) requireWhole('to', to, from?.seq ?? 0, Number.MAX_SAFE_INTEGER)
}

function requireWhole(field: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new InvalidOptionsError(field, `is a whole number from ${min} to ${max}`, String(value))
  }
}
