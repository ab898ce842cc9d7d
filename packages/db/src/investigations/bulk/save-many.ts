import { setImmediate as nextTurn } from 'node:timers/promises'
import { InfraError, type Clock } from '@cidadao/contracts'
import type { AuditEntry } from '../../audit/audit-entry.ts'
import { AuditEntryError, CanonicalJsonError } from '../../audit/audit-errors.ts'
import { BulkRefusedError, BulkStoppedError, type RowRefusal } from '../../errors/bulk-errors.ts'
import { IllegalTransitionError, ImmutableFieldError } from '../../errors/investigation-errors.ts'
import { ConstraintError, InvalidValueError, StatementRefusedError } from '../../errors/statement-errors.ts'
import type { UnitOfWork, UnitRunner } from '../../transactions/unit-of-work.ts'
import type { InvestigationDraft } from '../investigation.ts'
import type { WriteEffects } from '../write-effects.ts'
import { DraftList, type Chunk } from './draft-list.ts'
import type { ResolvedSaveManyOptions } from './save-many-options.ts'
import { countOutcomes, type SaveManyReport, type SaveOutcome } from './save-outcome.ts'
import { inSavepoint, type StoreScope } from './savepoint.ts'
import { writeChunk, type WrittenChunk, type WrittenDraft } from './write-chunk.ts'

export interface SaveManyParts {
  readonly units: UnitRunner
  readonly effects: WriteEffects
  readonly clock: Clock
  readonly scope: StoreScope
}

/** One call of `saveMany`, from its drafts to its report. */
export class SaveMany {
  readonly #parts: SaveManyParts
  readonly #options: ResolvedSaveManyOptions
  readonly #list: DraftList
  readonly #outcomes: (SaveOutcome | undefined)[]
  #stoppedBy: unknown

  constructor(parts: SaveManyParts, drafts: readonly InvestigationDraft[], options: ResolvedSaveManyOptions) {
    this.#parts = parts
    this.#options = options
    this.#list = new DraftList(drafts, parts.clock.now())
    this.#outcomes = drafts.map(() => undefined)
  }

  async run(): Promise<SaveManyReport> {
    this.#options.signal?.throwIfAborted()
    if (this.#outcomes.length === 0) return { outcomes: [], counts: countOutcomes([]) }
    if (this.#options.atomic) await this.#saveAll()
    else await this.#saveEach()
    const outcomes = this.#outcomes.map((outcome) => outcome ?? { outcome: 'failed' as const, error: this.#notSent() })
    return { outcomes, counts: countOutcomes(outcomes) }
  }

  // Each row by itself: chunks side by side, each of which commits by itself.

  async #saveEach(): Promise<void> {
    const chunks = this.#list.chunks((index, error) => this.#refuse({ index, error }))
    const lanes = this.#parts.scope === 'one-transaction' ? 1 : this.#options.connections
    const ended = await Promise.allSettled(Array.from({ length: lanes }, () => this.#saveInLane(chunks)))
    for (const lane of ended) if (lane.status === 'rejected') throw lane.reason
  }

  async #saveInLane(chunks: Generator<Chunk>): Promise<void> {
    try {
      while (!this.#mustStop()) {
        const next: IteratorResult<Chunk, unknown> = chunks.next()
        if (next.done === true) return
        await this.#saveChunk(next.value)
        this.#tellProgress(countOutcomes(this.#outcomes))
      }
    } catch (error) {
      this.#stoppedBy ??= error
      throw error
    }
  }

  #mustStop(): boolean {
    if (this.#options.signal?.aborted === true) this.#stoppedBy ??= this.#options.signal.reason
    return this.#stoppedBy !== undefined
  }

  async #saveChunk(chunk: Chunk): Promise<void> {
    try {
      const result = await this.#commitChunk(chunk)
      this.#keep(result.written)
      for (const refusal of result.refused) this.#refuse(refusal)
    } catch (error) {
      if (isFaultOfRow(error)) await this.#saveAround(chunk, error)
      else this.#fail(chunk, error)
    }
  }

  /** One row spoils the whole statement, by a rule that only the stored row or the audit log knows: halve to find it. */
  async #saveAround(chunk: Chunk, error: InfraError): Promise<void> {
    const [only] = chunk.rows
    if (chunk.rows.length === 1 && only !== undefined) {
      this.#refuse({ index: only.index, error })
      return
    }
    for (const half of this.#list.halves(chunk)) await this.#saveChunk(half)
  }

  #fail(chunk: Chunk, error: unknown): void {
    // The caller's transaction is lost with it; and what is no failure of ours is a bug in a callback.
    if (this.#parts.scope === 'one-transaction' || !(error instanceof InfraError)) throw error
    for (const { index } of chunk.rows) this.#outcomes[index] = { outcome: 'failed', error }
    this.#stoppedBy ??= error
  }

  async #commitChunk(chunk: Chunk): Promise<WrittenChunk> {
    const { effects, scope, units } = this.#parts
    const work = async (unit: UnitOfWork): Promise<WrittenChunk> => {
      const result = await inSavepoint(scope, unit, () => writeChunk(unit, chunk))
      this.#affect(unit, result.written)
      return result
    }
    return effects.needsTransaction || this.#options.auditOfRow !== undefined ? units.atomically(work) : units.singly(work)
  }

  // All or nothing: one transaction.

  async #saveAll(): Promise<void> {
    const faults: RowRefusal[] = []
    const check = this.#list.check((index, error) => faults.push({ index, error }))
    while (check.next().done !== true) await this.#pause()
    refuseAll(faults)
    const { scope, units } = this.#parts
    const written = await units.atomically(async (unit) => {
      const rows = await inSavepoint(scope, unit, () => this.#writeAll(unit))
      this.#affect(unit, rows)
      if (rows.some(({ from }) => from !== undefined)) unit.audit(this.#options.auditOfAll)
      return rows
    })
    this.#keep(written)
  }

  async #writeAll(unit: UnitOfWork): Promise<readonly WrittenDraft[]> {
    const rows: WrittenDraft[] = []
    const chunks = this.#list.chunks((index, error) => refuseAll([{ index, error }]))
    for (const chunk of chunks) {
      const { written, refused } = await writeChunk(unit, chunk)
      refuseAll(refused)
      for (const row of written) rows.push(row)
      this.#tellProgress({ saved: rows.length, refused: 0, failed: 0 })
      await this.#pause()
    }
    return rows
  }

  async #pause(): Promise<void> {
    await nextTurn()
    this.#options.signal?.throwIfAborted()
  }

  // Both.

  /** Only for what this try wrote: the entries of what an earlier one wrote were committed with it. */
  #affect(unit: UnitOfWork, written: readonly WrittenDraft[]): void {
    const { auditOfRow } = this.#options
    if (auditOfRow !== undefined) {
      for (const { row, from } of written) if (from !== undefined) unit.audit(toEntries(auditOfRow(row)))
    }
    this.#parts.effects.saved(
      unit,
      written.map(({ row, from }) => ({ ...row, from })),
    )
  }

  #keep(written: readonly WrittenDraft[]): void {
    for (const { index, row } of written) this.#outcomes[index] = { outcome: 'saved', row }
  }

  #refuse({ index, error }: RowRefusal): void {
    this.#outcomes[index] = { outcome: 'refused', error }
  }

  #tellProgress(counts: SaveManyReport['counts']): void {
    this.#options.onProgress({ total: this.#outcomes.length, ...counts })
  }

  #notSent(): BulkStoppedError {
    return new BulkStoppedError('not sent: the call was ended before it came to this row', { cause: this.#stoppedBy })
  }
}

function refuseAll(refusals: readonly RowRefusal[]): void {
  if (refusals.length > 0) throw new BulkRefusedError(refusals.toSorted((one, other) => one.index - other.index))
}

function toEntries(entries: AuditEntry | readonly AuditEntry[]): readonly AuditEntry[] {
  return [entries].flat()
}

const FAULTS_OF_ROWS = [
  AuditEntryError,
  CanonicalJsonError,
  ConstraintError,
  IllegalTransitionError,
  ImmutableFieldError,
  InvalidValueError,
  StatementRefusedError,
]

function isFaultOfRow(error: unknown): error is InfraError {
  return FAULTS_OF_ROWS.some((type) => error instanceof type)
}
