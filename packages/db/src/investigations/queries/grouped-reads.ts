import type { SqlExecutor } from '../../sql-executor.ts'
import { INVESTIGATION_COLUMNS, toInvestigation, type InvestigationRow } from '../investigation-row.ts'
import type { Investigation } from '../investigation.ts'

const ONE = `SELECT ${INVESTIGATION_COLUMNS} FROM investigations WHERE id = $1`
const SOME = `SELECT ${INVESTIGATION_COLUMNS} FROM investigations WHERE id = ANY ($1::text[])`
/** So that one statement stays small; what is above goes into the next. */
const MOST_IDS = 100

type Found = ReadonlyMap<string, Investigation>

interface Group {
  readonly ids: Set<string>
  readonly found: Promise<Found>
}

/**
 * Reads by id. What is asked for in one turn of the event loop is one statement: eight pages that open at once cost one
 * round trip and one connection. A failure is the failure of all that were asked for with it.
 */
export class GroupedReads {
  readonly #sql: SqlExecutor
  #open: Group | undefined

  constructor(sql: SqlExecutor) {
    this.#sql = sql
  }

  async read(id: string): Promise<Investigation | undefined> {
    const group = this.#open !== undefined && this.#open.ids.size < MOST_IDS ? this.#open : this.#begin()
    group.ids.add(id)
    return (await group.found).get(id)
  }

  #begin(): Group {
    const ids = new Set<string>()
    const turnOver = Promise.withResolvers<void>()
    const found = turnOver.promise.then(() => this.#send([...ids]))
    const group = { ids, found }
    this.#open = group
    process.nextTick(() => {
      if (this.#open === group) this.#open = undefined
      turnOver.resolve()
    })
    return group
  }

  async #send(ids: readonly string[]): Promise<Found> {
    const statement =
      ids.length === 1
        ? { name: 'investigations.get', text: ONE, values: [ids[0]] }
        : { name: 'investigations.get-some', text: SOME, values: [ids] }
    const { rows } = await this.#sql.query<InvestigationRow>({ ...statement, describe: 'once' })
    return new Map(rows.map((row) => [row.id, toInvestigation(row)]))
  }
}
