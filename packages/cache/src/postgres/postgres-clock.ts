import { advanceState, readState, type ClockState } from '../consistency/clock-state.ts'
import type { ClockAdvance, ClockRead, ClockReading, LogicalClock } from '../consistency/logical-clock.ts'
import { TierRejectedError } from '../errors.ts'
import type { QueryPostgres } from './postgres-tier.ts'
import { hashOf } from './statements.ts'

const BOUNDS = { maxMarks: 1_000, maxLog: 200 }
const MOST_TRIES = 50

interface ClockRow {
  readonly payload: Buffer | null
  readonly generation: string | null
  readonly now_micros: string
}

interface Step {
  readonly state: ClockState
  readonly reading: ClockReading
}

/**
 * A namespace's clock as one row of the tier's own table, changed by compare-and-set. For namespaces whose only shared
 * tier is PostgreSQL: each step rewrites the row, so the log and the marks are short. There is no bus: processes learn
 * of each other's invalidations by their heartbeat. Crash recovery empties the table, entries and clocks together.
 */
export class PostgresClock implements LogicalClock {
  readonly #query: QueryPostgres

  constructor(query: QueryPostgres) {
    this.#query = query
  }

  async advance(request: ClockAdvance): Promise<ClockReading> {
    return this.#step(request.namespace, (state, nowMicros) => advanceState(state, request, { ...BOUNDS, nowMicros }))
  }

  async read(request: ClockRead): Promise<ClockReading> {
    return this.#step(request.namespace, (state, nowMicros) => readState(state, request, nowMicros))
  }

  async #step(namespace: string, step: (state: ClockState | undefined, nowMicros: number) => Step): Promise<ClockReading> {
    // No other key begins like this: environments have no `#`.
    const key = `#clock/${namespace}`
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const { rows } = await this.#query('clockRead', [hashOf(key), key])
      const row = rows[0] as ClockRow
      const before = row.payload === null ? undefined : (JSON.parse(row.payload.toString()) as ClockState)
      const { state, reading } = step(before, Number(row.now_micros))
      if (state === before || (await this.#replace(key, row, state))) return reading
    }
    throw new TierRejectedError('PostgreSQL: too many processes changed the clock of one namespace at once', {
      facts: { tries: MOST_TRIES },
    })
  }

  async #replace(key: string, row: ClockRow, state: ClockState): Promise<boolean> {
    const payload = Buffer.from(JSON.stringify(state))
    const { rowCount } =
      row.generation === null
        ? await this.#query('clockCreate', [hashOf(key), key, payload])
        : await this.#query('clockReplace', [hashOf(key), key, payload, row.generation])
    return rowCount === 1
  }
}
