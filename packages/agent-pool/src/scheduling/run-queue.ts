import { RUN_PRIORITIES, type RunPriority } from '../run-options.ts'
import { Fifo } from './fifo.ts'
import { TenantRing } from './tenant-ring.ts'

/** What the queue needs to know of a run. */
export interface QueueEntry {
  readonly agent: string
  readonly tenant: string
  readonly priority: RunPriority
  /** Share of the tenant's turn that it takes; a whole number ≥ 1. */
  readonly cost: number
  readonly submittedMs: number
  /** Rises with each submission. */
  readonly sequence: number
}

/**
 * The runs that wait, for every agent and tenant. Who is next: the highest priority, where a run rises by one class
 * each `ageingMs` of waiting; among the tenants that have such a run, the one whose turn it is; of that tenant, the
 * run that came first.
 */
export class RunQueue<Entry extends QueueEntry> {
  readonly #ageingMs: number
  /** By agent, tenant and priority, oldest first. */
  readonly #lanes = new Map<string, Map<string, Fifo<Entry>[]>>()
  readonly #ring = new TenantRing()
  readonly #waitingOfTenant = new Map<string, number>()
  #size = 0

  constructor(ageingMs: number) {
    this.#ageingMs = ageingMs
  }

  get size(): number {
    return this.#size
  }

  /** Runs of one agent and tenant that wait. */
  countOf(agent: string, tenant: string): number {
    return (this.#lanes.get(agent)?.get(tenant) ?? []).reduce((sum, lane) => sum + lane.size, 0)
  }

  push(entry: Entry): void {
    this.#laneOf(entry).push(entry)
    this.#ring.add(entry.tenant)
    this.#waitingOfTenant.set(entry.tenant, (this.#waitingOfTenant.get(entry.tenant) ?? 0) + 1)
    this.#size++
  }

  /** Removes a run that waits; false where it does not. */
  delete(entry: Entry): boolean {
    const tenants = this.#lanes.get(entry.agent)
    const lanes = tenants?.get(entry.tenant)
    if (tenants === undefined || lanes?.[rankOf(entry)]?.delete(entry) !== true) return false
    this.#size--
    this.#forgetEmpty(entry, tenants, lanes)
    return true
  }

  /** Takes out the next run of an agent that may run now. */
  take(nowMs: number, mayRun: (agent: string) => boolean): Entry | undefined {
    if (this.#size === 0) return undefined
    const candidates = this.#candidates(nowMs, mayRun)
    const entry = candidates.size > 1 ? this.#byTurn(candidates) : first(candidates.values())
    if (entry !== undefined) this.delete(entry)
    return entry
  }

  /** All that wait, in no order that matters. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const tenants of this.#lanes.values()) for (const lanes of tenants.values()) for (const lane of lanes) yield* lane
  }

  #byTurn(candidates: ReadonlyMap<string, Entry>): Entry | undefined {
    const costs = new Map<string, number>()
    for (const [tenant, entry] of candidates) costs.set(tenant, entry.cost)
    const tenant = this.#ring.next(costs)
    return tenant === undefined ? undefined : candidates.get(tenant)
  }

  /** The best run of each tenant, of those tenants only that have one of the best rank. */
  #candidates(nowMs: number, mayRun: (agent: string) => boolean): ReadonlyMap<string, Entry> {
    const best = new Map<string, Entry>()
    let bestRank = Number.POSITIVE_INFINITY
    for (const [agent, tenants] of this.#lanes) {
      if (!mayRun(agent)) continue
      for (const [tenant, lanes] of tenants) {
        for (const lane of lanes) {
          const entry = lane.first
          if (entry === undefined) continue
          const rank = this.#risenRank(entry, nowMs)
          if (rank > bestRank) continue
          if (rank < bestRank) best.clear()
          bestRank = rank
          const rival = best.get(tenant)
          if (rival === undefined || entry.sequence < rival.sequence) best.set(tenant, entry)
        }
      }
    }
    return best
  }

  #risenRank(entry: Entry, nowMs: number): number {
    return Math.max(0, rankOf(entry) - Math.floor((nowMs - entry.submittedMs) / this.#ageingMs))
  }

  #laneOf(entry: Entry): Fifo<Entry> {
    const tenants = getOrAdd(this.#lanes, entry.agent, () => new Map<string, Fifo<Entry>[]>())
    const lanes = getOrAdd(tenants, entry.tenant, () => RUN_PRIORITIES.map(() => new Fifo<Entry>()))
    const rank = rankOf(entry)
    return (lanes[rank] ??= new Fifo())
  }

  #forgetEmpty(entry: Entry, tenants: Map<string, Fifo<Entry>[]>, lanes: readonly Fifo<Entry>[]): void {
    if (lanes.every((lane) => lane.size === 0)) tenants.delete(entry.tenant)
    if (tenants.size === 0) this.#lanes.delete(entry.agent)
    const left = (this.#waitingOfTenant.get(entry.tenant) ?? 1) - 1
    if (left > 0) {
      this.#waitingOfTenant.set(entry.tenant, left)
      return
    }
    this.#waitingOfTenant.delete(entry.tenant)
    this.#ring.delete(entry.tenant)
  }
}

function rankOf(entry: QueueEntry): number {
  return RUN_PRIORITIES.indexOf(entry.priority)
}

function first<Value>(values: Iterable<Value>): Value | undefined {
  const [value] = values
  return value
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const present = map.get(key)
  if (present !== undefined) return present
  const added = create()
  map.set(key, added)
  return added
}
