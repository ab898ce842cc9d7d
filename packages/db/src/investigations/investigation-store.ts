import type { Clock } from '@cidadao/contracts'
import type { AuditEntry } from '../audit/audit-entry.ts'
import { UnexpectedDatabaseError } from '../errors/database-error.ts'
import { InvestigationNotFoundError } from '../errors/investigation-errors.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import type { Executors } from '../transactions/query-runner.ts'
import type { UnitOfWork, UnitRunner } from '../transactions/unit-of-work.ts'
import { resolveSaveManyOptions, type SaveManyOptions } from './bulk/save-many-options.ts'
import { SaveMany } from './bulk/save-many.ts'
import type { SaveManyReport } from './bulk/save-outcome.ts'
import type { StoreScope } from './bulk/savepoint.ts'
import { eraseOne, type EraseOptions, type Erasure } from './erasure/erase.ts'
import { eraseExpired, type RetentionOptions, type RetentionReport } from './erasure/retention.ts'
import { INVESTIGATION_COLUMNS, toInvestigation, type InvestigationRow } from './investigation-row.ts'
import { validateInvestigation, type ValidInvestigation } from './investigation-validation.ts'
import type { Investigation, InvestigationDraft } from './investigation.ts'
import { isResultOf } from './is-result-of.ts'
import { requireOwner, type OwnerScope } from './owner-scope.ts'
import { findQuery, toPage, type FindOptions, type InvestigationPage } from './queries/find-query.ts'
import { GroupedReads } from './queries/grouped-reads.ts'
import { statsQuery, toStats, type InvestigationStats, type StatsOptions, type StatsRow } from './queries/stats-query.ts'
import { refusalOf, toPreviousStatus, toSaved, upsertQuery, type UpsertRow } from './upsert.ts'
import type { WriteEffects } from './write-effects.ts'

export interface SaveOptions {
  /** Appended to the audit log in the same transaction: both are there, or neither. @default none */
  readonly audit?: AuditEntry | readonly AuditEntry[]
}

export interface CancelOptions extends OwnerScope, SaveOptions {
  /** Kept as the error message. @default none */
  readonly reason?: string
}

export interface InvestigationStoreParts {
  readonly executors: Executors
  readonly units: UnitRunner
  readonly clock: Clock
  readonly effects: WriteEffects
  readonly scope: StoreScope
}

interface Write {
  readonly valid: ValidInvestigation
  readonly now: Date
  readonly entries: readonly AuditEntry[]
}

const GET = `SELECT ${INVESTIGATION_COLUMNS} FROM investigations WHERE id = $1`
const GET_FOR_UPDATE = `${GET} FOR NO KEY UPDATE`

/** Investigations by id and by list. Every method rejects when the database fails; absence is never an error of it. */
export class InvestigationStore {
  readonly #parts: InvestigationStoreParts
  readonly #reads: GroupedReads | undefined

  constructor(parts: InvestigationStoreParts) {
    this.#parts = parts
    this.#reads = parts.scope === 'own-transactions' ? new GroupedReads(parts.executors.idempotent) : undefined
  }

  /**
   * Stores the whole investigation and returns the row as stored, with its new version.
   *
   * @throws InvalidInvestigationError a field breaks a rule; nothing was sent
   * @throws VersionConflictError somebody else has saved since the version given was read
   * @throws ImmutableFieldError query, owner or time of creation differ from the stored ones
   * @throws IllegalTransitionError the stored status does not lead to the new one
   */
  async save(draft: InvestigationDraft, options: SaveOptions = {}): Promise<Investigation> {
    const now = this.#parts.clock.now()
    const valid = validateInvestigation(draft, now)
    const entries = [options.audit ?? []].flat()
    const work = (unit: UnitOfWork): Promise<Investigation> => this.#write(unit, { valid, now, entries })
    const { effects, units } = this.#parts
    return entries.length === 0 && !effects.needsTransaction ? units.singly(work) : units.atomically(work)
  }

  /**
   * Stores many by the rules of `save`, in chunks of at most 1,000 rows and about 4 MiB. The drafts must not change
   * until it is over. By default it resolves with one outcome for each draft, also when the database fails meanwhile.
   *
   * @throws BulkRefusedError `atomic` was asked, and some row cannot be stored; nothing was
   * @throws InvalidOptionsError an option cannot work
   */
  async saveMany(drafts: readonly InvestigationDraft[], options: SaveManyOptions = {}): Promise<SaveManyReport> {
    return new SaveMany(this.#parts, drafts, resolveSaveManyOptions(options)).run()
  }

  /** The investigation, or undefined where there is none within the scope: absent and not yours look the same. */
  async get(id: string, scope: OwnerScope = {}): Promise<Investigation | undefined> {
    const owner = requireOwner(scope)
    // Inside a transaction each read keeps its place among the statements around it.
    const found = await (this.#reads?.read(id) ?? read(this.#parts.executors.idempotent, id))
    return found === undefined || (owner !== undefined && found.userId !== owner) ? undefined : found
  }

  /** Newest first, a page at a time. */
  async find(options: FindOptions = {}): Promise<InvestigationPage> {
    const { rows } = await this.#parts.executors.idempotent.query<InvestigationRow>(findQuery(options))
    return toPage(rows.map(toInvestigation), options.limit)
  }

  /** Counts and distributions over a scope, of one moment. */
  async stats(options: StatsOptions = {}): Promise<InvestigationStats> {
    const { rows } = await this.#parts.executors.idempotent.query<StatsRow>(statsQuery(options))
    const [row] = rows
    if (row === undefined) throw new UnexpectedDatabaseError('an aggregate came back without a row', {})
    return toStats(row)
  }

  /**
   * Ends an investigation that has not ended yet, whatever its version. One that is cancelled already stays as it is.
   *
   * @throws InvestigationNotFoundError there is none within the scope
   * @throws IllegalTransitionError it has completed or failed
   */
  async cancel(id: string, options: CancelOptions = {}): Promise<Investigation> {
    const owner = requireOwner(options)
    return this.#parts.units.atomically(async (unit) => {
      const stored = await read(unit.sql, id, GET_FOR_UPDATE)
      if (stored === undefined || (owner !== undefined && stored.userId !== owner)) throw new InvestigationNotFoundError(id)
      if (stored.status === 'cancelled') return stored
      const now = this.#parts.clock.now()
      const draft = {
        ...stored,
        status: 'cancelled' as const,
        errorMessage: options.reason ?? null,
        completedAt: latest(now, stored.createdAt),
      }
      return this.#write(unit, { valid: validateInvestigation(draft, now), now, entries: [options.audit ?? []].flat() })
    })
  }

  /**
   * Removes an investigation for good: its row with results, plans, steps and events, and what opens the personal data
   * in its audit entries. The entries stay, and one more says that it was erased and why.
   *
   * @throws InvestigationNotFoundError there is none within the scope
   */
  async erase(id: string, options: EraseOptions): Promise<Erasure> {
    return this.#parts.units.atomically((unit) => eraseOne(unit, id, { ...options, effects: this.#parts.effects }))
  }

  /** Erases those that have ended and are older than they may be kept. Throws `InvalidOptionsError`. */
  async eraseExpired(options: RetentionOptions): Promise<RetentionReport> {
    return eraseExpired(this.#parts, options)
  }

  async #write(unit: UnitOfWork, write: Write): Promise<Investigation> {
    const { rows } = await unit.sql.query<UpsertRow>(upsertQuery(write.valid, write.now))
    const row = rows[0]
    if (row === undefined) return this.#afterRefusal(unit, write.valid)
    const saved = toSaved(write.valid, row)
    unit.audit(write.entries)
    this.#parts.effects.saved(unit, [{ ...saved, from: toPreviousStatus(row.previous_status) }])
    return saved
  }

  async #afterRefusal(unit: UnitOfWork, valid: ValidInvestigation): Promise<Investigation> {
    const stored = await read(unit.sql, valid.id)
    // The connection broke after an earlier attempt of this very call had been sent, and it did take effect, its audit
    // entries included.
    if (stored === undefined || !unit.attempt.mayBeDone || !isResultOf(valid, stored)) throw refusalOf(valid, stored)
    this.#parts.effects.saved(unit, [{ ...stored, from: undefined }])
    return stored
  }
}

async function read(sql: SqlExecutor, id: string, text: string = GET): Promise<Investigation | undefined> {
  const name = text === GET ? 'investigations.get' : 'investigations.get-for-update'
  const { rows } = await sql.query<InvestigationRow>({ name, text, values: [id] })
  return rows[0] === undefined ? undefined : toInvestigation(rows[0])
}

function latest(one: Date, other: Date): Date {
  return one > other ? one : other
}
