import { Oracle, type Change, type Copy, type Violation } from '../simulator/oracle.ts'
import type { Entry } from './journal.ts'
import { DELTA_MS, POLICY, STORE_SLACK_MS } from './world.ts'

export interface Verdict {
  readonly operations: number
  readonly reads: number
  readonly changes: number
  readonly violations: readonly Violation[]
  readonly worstStalenessMs: number
}

type Of<Kind extends Entry['kind']> = Extract<Entry, { readonly kind: Kind }>

export interface ReplayOptions {
  /** How long a process was paused, in milliseconds: what it had made by then may be stored that much later. @default 0 */
  readonly pausedMs?: number
  readonly oneTier: boolean
}

/** Has the oracle of the simulator judge what processes have seen of real servers. */
export function replay(entries: readonly Entry[], { pausedMs = 0, oneTier }: ReplayOptions): Verdict {
  const oracle = new Oracle({
    ttlMs: POLICY.ttlMs,
    graceMs: POLICY.graceMs,
    deltaMs: DELTA_MS,
    ageSlackMs: STORE_SLACK_MS + pausedMs,
    oneTier,
  })
  const run = new Replay(oracle)
  for (const entry of entries) run.step(entry)
  const count = (kind: Entry['kind']): number => entries.filter((entry) => entry.kind === kind).length
  const [reads, changes] = [count('read'), count('change')]
  const { violations, worstStalenessMs } = oracle
  return { operations: reads + changes, reads, changes, violations, worstStalenessMs }
}

class Replay {
  readonly #oracle: Oracle
  readonly #changes = new Map<string, Change>()
  readonly #copies = new Map<string, Copy>()

  constructor(oracle: Oracle) {
    this.#oracle = oracle
  }

  step(entry: Entry): void {
    const oracle = this.#oracle
    switch (entry.kind) {
      case 'change':
        this.#changes.set(entry.id, oracle.change(entry.change, entry.by, { keys: entry.keys, at: instant(entry.at) }))
        return
      case 'made':
        return this.#made(entry)
      case 'ended':
        return this.#ended(entry)
      case 'read':
        return this.#read(entry)
      case 'wrong':
        return oracle.violate(entry.guarantee, entry.at, entry.what)
      case 'died':
        return oracle.died(entry.who)
      case 'failover':
        return oracle.failedOver({ sinceMs: entry.sinceMs, keys: new Set(entry.keys), clock: entry.clock })
    }
  }

  #made({ id, key, by, source, at }: Of<'made'>): void {
    const version = this.#oracle.versionOf(key)
    this.#copies.set(id, this.#oracle.produced({ key, version }, { node: by, source, atMs: at }))
  }

  #ended({ id, at, outcome }: Of<'ended'>): void {
    const change = this.#changes.get(id)
    if (change !== undefined) this.#oracle.ended(change, instant(at), outcome)
    const copy = this.#copies.get(id)
    if (copy !== undefined) this.#oracle.ended(this.#oracle.productOf(copy), instant(at), outcome)
  }

  #read({ key, product, started, lagMs, at, by, mayBeStale, after, settled }: Of<'read'>): void {
    const copy = this.#copies.get(product) ?? { key, version: 0, product: -1 }
    this.#oracle.judge({
      node: by,
      started: { ms: started - lagMs, moment: started },
      ended: instant(at),
      copy: { ...copy, key },
      mayBeStale,
      after: after === undefined ? undefined : this.#changes.get(after),
      settled: settled === true,
    })
  }
}

function instant(at: number): { readonly ms: number; readonly moment: number } {
  return { ms: at, moment: at }
}
