import { randomUUID } from 'node:crypto'
import { systemClock, type Clock, type JsonObject } from '@cidadao/contracts'
import { InvalidOptionsError } from '../errors/database-error.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { toActor, type AuditActor } from './audit-actor.ts'
import { prepareEntry, type AuditEntry, type PreparedEntry } from './audit-entry.ts'
import { AuditEntryMissingError, AuditOriginError, toAuditError } from './audit-errors.ts'
import { isEntryId, toAuditInstant } from './audit-payload.ts'
import { appendStatement, investigationStatement, openStatement, type AppendRow, type EntryRow, type OpenRow } from './audit-statements.ts'
import { verifyAuditLog, type AuditVerification, type AuditVerifyOptions } from './audit-verifier.ts'
import { pruneAuditLog, type AuditPruneOptions, type AuditPruning } from './prune/audit-prune.ts'
import {
  discloseFields,
  disclosureStatement,
  redactedEntryStatement,
  redactionEntry,
  redactStatement,
  requireRedaction,
  type Disclosure,
  type DisclosureRow,
  type RedactedRow,
  type RedactionRequest,
} from './redaction.ts'
import { isKeyName } from './transparency/note-key.ts'

export interface AuditLogOptions {
  /** The log's name, different for each deployment: `audit.cidadao.example/prod`. Every hash depends on it. */
  readonly origin: string
  /** Stamps the entries. @default systemClock */
  readonly clock?: Clock
}

/** Where an entry came to stand. */
export interface AuditReceipt {
  readonly seq: number
  readonly id: string
  readonly leafHash: string
  readonly hashChain: string
}

/** An entry as readers see it. */
export interface AuditRecord {
  readonly seq: number
  readonly id: string
  /** RFC 3339 with six decimals, as text: a `Date` would lose the last three. */
  readonly ts: string
  readonly actor: AuditActor
  readonly action: string
  readonly investigation: string | null
  readonly data: JsonObject
  readonly hashChain: string
}

export interface AuditReadOptions {
  /** Number of the last entry already seen. @default 0 */
  readonly after?: number
  /** Longest answer. @default 1_000 */
  readonly limit?: number
}

const OPENING: AuditEntry = { actor: { kind: 'system' }, action: 'log.open' }
const MAX_READ = 10_000
const READ_DEFAULTS: Required<AuditReadOptions> = Object.freeze({ after: 0, limit: 1_000 })

/**
 * The tamper-evident log. Tamper-evident, not tamper-proof: an owner of the database can rewrite entries newer than the
 * last checkpoint that is held elsewhere; whoever holds a checkpoint and the public key detects any change before it.
 *
 * It holds no connection: every call takes the executor to run on, so that an entry commits with what it tells of.
 */
export class AuditLog {
  readonly #origin: string
  readonly #clock: Clock

  constructor(options: AuditLogOptions) {
    if (!isKeyName(options.origin)) {
      throw new InvalidOptionsError('audit origin', 'is a name without spaces and plus signs, like host/path', `"${options.origin}"`)
    }
    this.#origin = options.origin
    this.#clock = options.clock ?? systemClock
  }

  get origin(): string {
    return this.#origin
  }

  /**
   * Begins the log, with genesis and a first entry `log.open`, where the database has none; otherwise only checks that
   * it is this one. Call it once at start, on as many processes as you like. Throws `AuditOriginError`.
   */
  async open(sql: SqlExecutor): Promise<{ readonly seq: number; readonly outcome: 'opened' | 'found' }> {
    const { rows } = await translated(sql.query<OpenRow>(openStatement(this.#origin, this.prepare(OPENING))))
    const [row] = rows
    if (row?.origin !== this.#origin) {
      throw new AuditOriginError(`this database holds the audit log ${row?.origin ?? 'of nobody'}, not ${this.#origin}`)
    }
    return { seq: Number(row.seq), outcome: row.opened ? 'opened' : 'found' }
  }

  /**
   * Appends entries, in order, in one round trip. Run it last in the transaction of the change it tells of: from here
   * to the commit, everybody else who appends waits. If it throws, that transaction is to be rolled back, so that no
   * change goes unrecorded. Invalid entries throw before anything is sent or locked.
   */
  async append(tx: SqlExecutor, entries: readonly AuditEntry[]): Promise<readonly AuditReceipt[]> {
    return this.appendPrepared(
      tx,
      entries.map((entry) => this.prepare(entry)),
    )
  }

  /** Stamps an entry and makes its payload, for `appendPrepared`: whoever collects entries learns at once which are invalid. */
  prepare(entry: AuditEntry): PreparedEntry {
    return prepareEntry(entry, { log: this.#origin, id: randomUUID(), ts: toAuditInstant(this.#clock.now()) })
  }

  /** Appends entries that were prepared before; everything else is as with `append`. */
  async appendPrepared(tx: SqlExecutor, prepared: readonly PreparedEntry[]): Promise<readonly AuditReceipt[]> {
    if (prepared.length === 0) return []
    const { rows } = await translated(tx.query<AppendRow>(appendStatement(prepared)))
    return prepared.map(({ id }, index) => toReceipt(id, rows[index]))
  }

  /** Recomputes the log, and compares it with a checkpoint if given. Resolves with the fault; throws only if it cannot look. */
  async verify(sql: SqlExecutor, options: AuditVerifyOptions = {}): Promise<AuditVerification> {
    return verifyAuditLog(sql, this.#origin, options)
  }

  /**
   * Erases personal data of one entry and appends `audit.redacted`: both happen or neither does, in the caller's
   * transaction or without one. The entry and its commitments stay, so the log and all checkpoints still verify.
   *
   * @throws AuditEntryMissingError there is no such entry, or it was pruned
   * @throws AuditRedactionError a field has nothing left to erase
   */
  async redact(tx: SqlExecutor, request: RedactionRequest): Promise<AuditReceipt> {
    requireRedaction(request)
    if (!isEntryId(request.entry)) noEntry(request.entry)
    const { rows } = await tx.query<RedactedRow>(redactedEntryStatement(request.entry))
    const prepared = this.prepare(redactionEntry(request, rows[0] ?? noEntry(request.entry)))
    const appended = await translated(tx.query<AppendRow>(redactStatement(request, prepared)))
    return toReceipt(prepared.id, appended.rows[0])
  }

  /** The personal data of one entry that is still there, each value checked against its commitment. Throws `AuditEntryMissingError`. */
  async disclose(sql: SqlExecutor, entryId: string): Promise<Disclosure> {
    if (!isEntryId(entryId)) noEntry(entryId)
    const { rows } = await sql.query<DisclosureRow>(disclosureStatement(entryId))
    const { seq } = rows[0] ?? noEntry(entryId)
    return { seq: Number(seq), id: entryId, fields: discloseFields(rows) }
  }

  /**
   * Removes the oldest entries, which have to be signed for and kept elsewhere; see `pruneAuditLog`. Whoever calls it
   * needs the right to call `audit_prune`, which nobody but the log's owner has unless it is granted.
   */
  async prune(sql: SqlExecutor, options: AuditPruneOptions): Promise<AuditPruning> {
    return translated(pruneAuditLog(sql, { origin: this.#origin, prepare: (entry) => this.prepare(entry) }, options))
  }

  /** What was done in an investigation, oldest first; go on with the last `seq` as `after`. */
  async entriesOf(sql: SqlExecutor, investigation: string, options: AuditReadOptions = {}): Promise<readonly AuditRecord[]> {
    const { after, limit } = { ...READ_DEFAULTS, ...options }
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_READ) {
      throw new InvalidOptionsError('limit', `is a whole number from 1 to ${MAX_READ}`, String(limit))
    }
    const { rows } = await sql.query<EntryRow>(investigationStatement(investigation, after, limit))
    return rows.map(toRecord)
  }
}

function noEntry(id: string): never {
  throw new AuditEntryMissingError('the log has no entry with that id, or it was pruned', { facts: { id } })
}

function toReceipt(id: string, row: AppendRow | undefined): AuditReceipt {
  if (row === undefined) throw new Error(`the database did not acknowledge the audit entry ${id}`)
  return { seq: Number(row.seq), id, leafHash: row.leaf_hash, hashChain: row.hash_chain }
}

function toRecord(row: EntryRow): AuditRecord {
  const { id, ts, action, investigation_id: investigation, hash_chain: hashChain } = row
  const data = JSON.parse(row.data) as JsonObject
  return { seq: Number(row.seq), id, ts, actor: toActor(row.agent_name), action, investigation, data, hashChain }
}

async function translated<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (thrown) {
    throw toAuditError(thrown)
  }
}
