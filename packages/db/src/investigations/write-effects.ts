import type { TypedEvents } from '@cidadao/contracts'
import type { DatabaseEvents } from '../events.ts'
import type { UnitOfWork } from '../transactions/unit-of-work.ts'
import type { ErasureBasis } from './erasure/erasure-basis.ts'
import type { Investigation } from './investigation.ts'
import type { InvestigationStatus } from './investigation-status.ts'

/** A row that was written, and the status that it had before. */
export interface WrittenRow extends Pick<Investigation, 'id' | 'version' | 'status' | 'attempt'> {
  /** `null` for a new investigation; undefined where an earlier try had written it, whose status before nobody saw. */
  readonly from: InvestigationStatus | null | undefined
}

export interface WriteEffectsParts {
  readonly events: TypedEvents<DatabaseEvents>
  /** Namespace of the cache whose entries are the investigations, by id. Undefined writes nothing to the outbox. */
  readonly cacheNamespace: string | undefined
}

/** What every write of an investigation leads to, whichever way it takes: invalidation with the commit, events after it. */
export class WriteEffects {
  readonly #parts: WriteEffectsParts

  constructor(parts: WriteEffectsParts) {
    this.#parts = parts
  }

  /** Whether something is to be committed beside the row, so that a single statement does not do. */
  get needsTransaction(): boolean {
    return this.#parts.cacheNamespace !== undefined
  }

  saved(unit: UnitOfWork, rows: readonly WrittenRow[]): void {
    const ids = rows.map(({ id }) => id)
    this.#invalidate(unit, ids)
    unit.afterCommit(() => rows.forEach((row) => this.#announce(row)))
  }

  erased(unit: UnitOfWork, ids: readonly string[], basis: ErasureBasis): void {
    this.#invalidate(unit, ids)
    unit.afterCommit(() => ids.forEach((investigationId) => this.#parts.events.emit('erased', { investigationId, basis })))
  }

  #invalidate(unit: UnitOfWork, keys: readonly string[]): void {
    const { cacheNamespace: namespace } = this.#parts
    if (namespace !== undefined && keys.length > 0) unit.invalidate([{ namespace, keys }])
  }

  #announce({ id: investigationId, version, status, attempt, from }: WrittenRow): void {
    this.#parts.events.emit('saved', { investigationId, version, status })
    if (from === undefined || from === status) return
    this.#parts.events.emit('transition', { investigationId, from, to: status, attempt })
  }
}
