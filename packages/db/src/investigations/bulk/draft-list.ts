import { DuplicateIdError } from '../../errors/bulk-errors.ts'
import { InvalidInvestigationError } from '../../errors/investigation-errors.ts'
import type { InvestigationDraft } from '../investigation.ts'
import { validateInvestigation, type ValidInvestigation } from '../investigation-validation.ts'
import { uuidV7 } from '../uuid-v7.ts'
import { toRowJson, type ChunkKind } from './bulk-statements.ts'

/** A draft that has passed validation, with its place in the caller's list. */
export interface ValidRow {
  readonly index: number
  readonly valid: ValidInvestigation
}

/** What is sent at once. */
export interface Chunk {
  readonly kind: ChunkKind
  readonly rows: readonly ValidRow[]
  readonly rowsJson: string
}

interface ReadyRow extends ValidRow {
  readonly json: string
  readonly bytes: number
}

export type ReportFault = (index: number, error: DuplicateIdError | InvalidInvestigationError) => void

interface Entry {
  readonly index: number
  readonly id: string
  readonly kind: ChunkKind
}

const MAX_ROWS = 1_000
/** Of JSON text. The server needs a multiple of it for a statement; one row that is larger goes alone. */
const MAX_BYTES = 4 * 2 ** 20
/** Of JSON text kept between the check of an atomic save and its sending; what is beyond is made again. */
const MAX_READY_BYTES = 32 * 2 ** 20
/** Enough to see what is wrong with a list. */
const MAX_FAULTS = 10

/**
 * The drafts of one bulk save in the order in which rows are locked: stored ones, then new ones, each by id. However
 * long the list, only a bounded part of its JSON text is held.
 */
export class DraftList {
  readonly #drafts: readonly InvestigationDraft[]
  readonly #now: Date
  readonly #given: readonly Entry[]
  readonly #sorted: readonly Entry[]
  readonly #duplicates: ReadonlyMap<string, readonly number[]>
  readonly #ready = new Map<number, ReadyRow>()
  #readyBytes = 0

  /** Ids are made here, so that a repeated transaction writes the same rows. */
  constructor(drafts: readonly InvestigationDraft[], now: Date) {
    this.#drafts = drafts
    this.#now = now
    this.#given = Array.from(drafts, (draft, index) => toEntry(draft, index, now))
    this.#sorted = this.#given.toSorted(inLockOrder)
    this.#duplicates = findDuplicates(this.#given)
  }

  /**
   * Validates in the order given, up to the first few faults, and keeps what it made of the first rows for `chunks`, so
   * that a list of usual size is read once. Yields now and then to let others run.
   */
  *check(report: ReportFault): Generator<void> {
    let faults = 0
    const count: ReportFault = (index, error) => {
      faults += 1
      report(index, error)
    }
    for (const entry of this.#given) {
      const row = this.#prepare(entry, count)
      if (row !== undefined && this.#readyBytes + row.bytes <= MAX_READY_BYTES) {
        this.#ready.set(entry.index, row)
        this.#readyBytes += row.bytes
      }
      if (faults === MAX_FAULTS) return
      if (entry.index % MAX_ROWS === MAX_ROWS - 1) yield
    }
  }

  /** Validates as it goes; what has a fault is reported and left out. */
  *chunks(report: ReportFault): Generator<Chunk> {
    let open = new OpenChunk('update')
    for (const entry of this.#sorted) {
      const row = this.#ready.get(entry.index) ?? this.#prepare(entry, report)
      if (row === undefined) continue
      if (!open.takes(entry.kind, row.bytes)) {
        if (open.rows.length > 0) yield open.close()
        open = new OpenChunk(entry.kind)
      }
      open.add(row)
    }
    if (open.rows.length > 0) yield open.close()
  }

  /** Two of half the size, to find the row that spoils the chunk. */
  halves({ kind, rows }: Chunk): readonly Chunk[] {
    const middle = Math.ceil(rows.length / 2)
    return [rows.slice(0, middle), rows.slice(middle)].map((half) => {
      const chunk = new OpenChunk(kind)
      for (const row of half) chunk.add(this.#toReady(row))
      return chunk.close()
    })
  }

  #toReady(row: ValidRow): ReadyRow {
    const json = toRowJson(row.valid, this.#now)
    return { ...row, json, bytes: Buffer.byteLength(json) }
  }

  #prepare({ index, id }: Entry, report: ReportFault): ReadyRow | undefined {
    const indexes = this.#duplicates.get(id)
    if (indexes !== undefined) {
      report(index, new DuplicateIdError(id, indexes))
      return undefined
    }
    try {
      return this.#toReady({ index, valid: validateInvestigation(withId(this.#drafts[index], id), this.#now) })
    } catch (error) {
      if (!(error instanceof InvalidInvestigationError)) throw error
      report(index, error)
      return undefined
    }
  }
}

class OpenChunk {
  readonly kind: ChunkKind
  readonly rows: ValidRow[] = []
  readonly #texts: string[] = []
  #bytes = 0

  constructor(kind: ChunkKind) {
    this.kind = kind
  }

  takes(kind: ChunkKind, bytes: number): boolean {
    return kind === this.kind && this.rows.length < MAX_ROWS && (this.rows.length === 0 || this.#bytes + bytes <= MAX_BYTES)
  }

  add({ index, valid, json, bytes }: ReadyRow): void {
    this.rows.push({ index, valid })
    this.#texts.push(json)
    this.#bytes += bytes
  }

  close(): Chunk {
    return { kind: this.kind, rows: this.rows, rowsJson: `[${this.#texts.join(',')}]` }
  }
}

/** What is no draft at all passes as it is, for validation to say so. */
function withId(draft: unknown, id: string): InvestigationDraft {
  return (isObject(draft) && draft.id === undefined ? { ...draft, id } : draft) as InvestigationDraft
}

function isObject(value: unknown): value is Partial<InvestigationDraft> {
  return typeof value === 'object' && value !== null
}

/** What is no draft at all gets an entry as well; validation says what is wrong with it. */
function toEntry(draft: unknown, index: number, now: Date): Entry {
  const { id, version } = isObject(draft) ? draft : {}
  const kind = version === undefined || version === 0 ? 'insert' : 'update'
  return { index, id: typeof id === 'string' ? id : uuidV7(now), kind }
}

function inLockOrder(one: Entry, other: Entry): number {
  if (one.kind !== other.kind) return one.kind === 'update' ? -1 : 1
  if (one.id === other.id) return one.index - other.index
  return one.id < other.id ? -1 : 1
}

function findDuplicates(entries: readonly Entry[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>()
  const firsts = new Map<string, number>()
  for (const { id, index } of entries) {
    const first = firsts.get(id)
    if (first === undefined) firsts.set(id, index)
    else placesOf(places, id, first).push(index)
  }
  return places
}

function placesOf(places: Map<string, number[]>, id: string, first: number): number[] {
  const known = places.get(id) ?? [first]
  places.set(id, known)
  return known
}
