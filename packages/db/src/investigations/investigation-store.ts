import { isDeepStrictEqual } from 'node:util'
import type { Clock, TypedEvents } from '@cidadao/contracts'
import type { AuditEntry } from '../audit/audit-entry.ts'
import { InvestigationNotFoundError } from '../errors/investigation-errors.ts'
import type { DatabaseEvents } from '../events.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import type { Executors } from '../transactions/query-runner.ts'
import type { UnitOfWork, UnitRunner } from '../transactions/unit-of-work.ts'
import { findQuery, toPage, type FindOptions, type InvestigationPage } from './find-query.ts'
import { INVESTIGATION_COLUMNS, toInvestigation, type InvestigationRow } from './investigation-row.ts'
import { validateInvestigation, type ValidInvestigation } from './investigation-validation.ts'
import type { Investigation, InvestigationDraft } from './investigation.ts'
import { requireOwner, type OwnerScope } from './owner-scope.ts'
import { previousStatusOf, refusalOf, upsertQuery, type UpsertRow } from './upsert.ts'

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
  readonly events: TypedEvents<DatabaseEvents>
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

  constructor(parts: InvestigationStoreParts) {
    this.#parts = parts
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
    return entries.length === 0 ? this.#parts.units.singly(work) : this.#parts.units.atomically(work)
  }

  /** The investigation, or undefined where there is none within the scope: absent and not yours look the same. */
  async get(id: string, scope: OwnerScope = {}): Promise<Investigation | undefined> {
    const owner = requireOwner(scope)
    const found = await read(this.#parts.executors.idempotent, id)
    return found === undefined || (owner !== undefined && found.userId !== owner) ? undefined : found
  }

  /** Newest first, a page at a time. */
  async find(options: FindOptions = {}): Promise<InvestigationPage> {
    const { rows } = await this.#parts.executors.idempotent.query<InvestigationRow>(findQuery(options))
    return toPage(rows.map(toInvestigation), options.limit)
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

  async #write(unit: UnitOfWork, write: Write): Promise<Investigation> {
    const { rows } = await unit.sql.query<UpsertRow>(upsertQuery(write.valid, write.now))
    const row = rows[0]
    if (row === undefined) return this.#afterRefusal(unit, write.valid)
    const saved = toInvestigation(row)
    unit.audit(write.entries)
    unit.afterCommit(() => this.#announce(saved, row))
    return saved
  }

  async #afterRefusal(unit: UnitOfWork, valid: ValidInvestigation): Promise<Investigation> {
    const stored = await read(unit.sql, valid.id)
    // The connection broke after an earlier attempt of this very call had been sent, and it did take effect, its audit
    // entries included.
    if (stored === undefined || !unit.attempt.mayBeDone || !isResultOf(valid, stored)) throw refusalOf(valid, stored)
    const { id: investigationId, version, status } = stored
    unit.afterCommit(() => this.#parts.events.emit('saved', { investigationId, version, status }))
    return stored
  }

  #announce(saved: Investigation, row: UpsertRow): void {
    const { id: investigationId, version, status, attempt } = saved
    const from = previousStatusOf(row)
    this.#parts.events.emit('saved', { investigationId, version, status })
    if (from !== status) this.#parts.events.emit('transition', { investigationId, from, to: status, attempt })
  }
}

async function read(sql: SqlExecutor, id: string, text: string = GET): Promise<Investigation | undefined> {
  const name = text === GET ? 'investigations.get' : 'investigations.get-for-update'
  const { rows } = await sql.query<InvestigationRow>({ name, text, values: [id] })
  return rows[0] === undefined ? undefined : toInvestigation(rows[0])
}

/** Whether `stored` is exactly what writing `wanted` leads to. */
function isResultOf(wanted: ValidInvestigation, stored: Investigation): boolean {
  return (
    stored.version === wanted.expectedVersion + 1 &&
    stored.status === wanted.status &&
    stored.attempt === wanted.attempt &&
    stored.errorMessage === wanted.errorMessage &&
    stored.confidenceScore === wanted.confidenceScore &&
    stored.anomaliesFound === wanted.anomaliesFound &&
    stored.processingTimeMs === wanted.processingTimeMs &&
    stored.completedAt?.getTime() === wanted.completedAt?.getTime() &&
    isDeepStrictEqual(stored.results, wanted.resultsJson === null ? null : JSON.parse(wanted.resultsJson)) &&
    isDeepStrictEqual(stored.metadata, JSON.parse(wanted.metadataJson))
  )
}

function latest(one: Date, other: Date): Date {
  return one > other ? one : other
}
