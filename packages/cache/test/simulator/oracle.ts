import { TAGS_OF, KEYS, type Key, type Tag } from './schedule.ts'

export const GUARANTEES = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7'] as const
export type Guarantee = (typeof GUARANTEES)[number]

export interface Violation {
  readonly guarantee: Guarantee
  readonly atMs: number
  readonly what: string
}

/** A point in the course of events: moments order what happens at the same time. */
export interface Instant {
  readonly ms: number
  readonly moment: number
}

/** What is cached: which version of its key it is a copy of, and which product. */
export interface Copy {
  readonly key: Key
  readonly version: number
  readonly product: number
}

interface Product extends Copy {
  readonly node: number
  readonly source: 'set' | 'factory'
  readonly madeAtMs: number
  /** Of a set: when it was over, and how. */
  ended: Instant | undefined
  outcome: 'done' | 'pending' | undefined
}

export interface Change {
  readonly kind: 'set' | 'delete' | 'tags' | 'clear'
  readonly node: number
  /** Which version of each key it makes the oldest that may be served. */
  readonly oldest: ReadonlyMap<Key, number>
  readonly started: Instant
  ended: Instant | undefined
  outcome: 'done' | 'pending' | undefined
  /** A failover took it back: documented, and out of the cache's hands. */
  lost: boolean
}

export interface Read {
  readonly node: number
  readonly started: Instant
  readonly ended: Instant
  readonly copy: Copy
  /** Whether a value past its time to live may be the answer. */
  readonly mayBeStale: boolean
  /** The change whose session's token it carried. */
  readonly after?: Change | undefined
  /** After all faults are over and all work is done: what was pending has to hold, too. */
  readonly settled?: boolean
}

export interface OracleOptions {
  readonly ttlMs: number
  readonly graceMs: number
  /** How far behind another process may be. */
  readonly deltaMs: number
  /** What delays and pauses may add to an age. */
  readonly ageSlackMs: number
  /** With one tier, even what is pending holds in the process that was told so. */
  readonly oneTier: boolean
}

/** The coarse clock of memory, and a message of the bus that a timer of the same millisecond overtakes. */
const RESOLUTION_MS = 2

/** Knows what the source has, and everything that was done to the cache; judges each answer by the guarantees alone. */
export class Oracle {
  readonly violations: Violation[] = []
  readonly #options: OracleOptions
  readonly #source = new Map<Key, number>()
  readonly #products: Product[] = []
  readonly #changes: Change[] = []
  /** By key, in the order of the versions that they made the oldest. */
  readonly #changesOf = new Map<Key, Change[]>()
  readonly #dead = new Set<number>()
  #worstStalenessMs = 0

  constructor(options: OracleOptions) {
    this.#options = options
  }

  /** The longest that a value was returned after another one's change of it was over. What a failover took back does not count. */
  get worstStalenessMs(): number {
    return this.#worstStalenessMs
  }

  /** What the source of the data has now. */
  versionOf(key: Key): number {
    return this.#source.get(key) ?? 0
  }

  /** The source has changed, and the cache is about to be told. */
  change(kind: Change['kind'], node: number, options: { readonly keys: readonly Key[]; readonly at: Instant }): Change {
    const oldest = new Map(options.keys.map((key) => [key, this.#advance(key)]))
    const change: Change = { kind, node, oldest, started: options.at, ended: undefined, outcome: undefined, lost: false }
    this.#changes.push(change)
    for (const key of options.keys) this.#changesTo(key).push(change)
    return change
  }

  produced(copy: Omit<Copy, 'product'>, made: { readonly node: number; readonly source: Product['source']; readonly atMs: number }): Copy {
    const product: Product = {
      ...copy,
      product: this.#products.length,
      node: made.node,
      source: made.source,
      madeAtMs: made.atMs,
      ended: undefined,
      outcome: undefined,
    }
    this.#products.push(product)
    return { key: copy.key, version: copy.version, product: product.product }
  }

  ended(what: Pick<Change, 'ended' | 'outcome'>, at: Instant, outcome: 'done' | 'pending'): void {
    what.ended = at
    what.outcome = outcome
  }

  productOf(copy: Copy): Pick<Product, 'ended' | 'outcome'> {
    const product = this.#products[copy.product]
    if (product === undefined) throw new TypeError(`nobody made product ${copy.product}`)
    return product
  }

  /** A replica took over that lacked what happened after `sinceMs` to these keys, or to the clock. */
  failedOver(lost: { readonly sinceMs: number; readonly keys: ReadonlySet<Key>; readonly clock: boolean }): void {
    for (const change of this.#changes) {
      // What was pending reached its tier some time later, when nobody looked.
      if (change.outcome === 'done' && change.ended !== undefined && change.ended.ms < lost.sinceMs) continue
      const byKey = change.kind === 'set' || change.kind === 'delete'
      if (byKey ? [...change.oldest.keys()].some((key) => lost.keys.has(key)) : lost.clock) change.lost = true
    }
  }

  /** What a process had yet to bring to a tier has died with it. */
  died(node: number): void {
    this.#dead.add(node)
  }

  judge(read: Read): void {
    const product = this.#products[read.copy.product]
    if (product?.key !== read.copy.key) return this.#violated('S4', read, 'a value that nobody made for that key')
    for (const change of this.#changesSince(product)) {
      const guarantee = this.#guarantee(change, read, product)
      if (guarantee !== undefined) this.#violated(guarantee, read, `${describe(product)} after ${describeChange(change, read.copy.key)}`)
    }
    this.#judgeAge(read, product)
  }

  violate(guarantee: Guarantee, atMs: number, what: string): void {
    this.violations.push({ guarantee, atMs, what })
  }

  #changesTo(key: Key): Change[] {
    const known = this.#changesOf.get(key) ?? []
    this.#changesOf.set(key, known)
    return known
  }

  /** Those that its version does not have, oldest first: most reads are of the newest, and need not look at all there were. */
  #changesSince({ key, version }: Product): readonly Change[] {
    const changes = this.#changesTo(key)
    const lastKnown = changes.findLastIndex(({ oldest }) => (oldest.get(key) ?? 0) <= version)
    return changes.slice(lastKnown + 1)
  }

  #advance(key: Key): number {
    const next = this.versionOf(key) + 1
    this.#source.set(key, next)
    return next
  }

  /** Which one the answer breaks, if any. */
  #guarantee(change: Change, read: Read, product: Product): Guarantee | undefined {
    const oldest = change.oldest.get(read.copy.key)
    if (oldest === undefined || product.version >= oldest || change.ended === undefined) return undefined
    if (this.#excused(change, read, product)) return undefined
    const own = change.node === read.node && change.ended.moment < read.started.moment
    if (own && (change.outcome === 'done' || this.#options.oneTier)) return 'S1'
    if (change.outcome !== 'done') return read.settled === true && !this.#dead.has(change.node) ? 'S2' : undefined
    this.#worstStalenessMs = Math.max(this.#worstStalenessMs, read.started.ms - change.ended.ms)
    if (read.after === change) return 'S6'
    return change.ended.ms + this.#options.deltaMs + RESOLUTION_MS < read.started.ms ? 'S2' : undefined
  }

  #excused(change: Change, read: Read, product: Product): boolean {
    const byKey = change.kind === 'set' || change.kind === 'delete'
    // Its author still knows of a tag or a clear that a failover has taken back.
    if (change.lost && (byKey || change.node !== read.node)) return true
    if (product.source !== 'set') return false
    // A set that was not over when the change began may as well have come after it.
    if ((product.ended?.moment ?? Number.POSITIVE_INFINITY) > change.started.moment) return true
    // One that could not be confirmed may take effect late; its own process removes it then.
    if (product.outcome !== 'pending' || product.node === read.node) return false
    return read.settled !== true || this.#dead.has(product.node)
  }

  #judgeAge(read: Read, product: Product): void {
    const { ttlMs, graceMs, ageSlackMs } = this.#options
    const ageMs = read.started.ms - product.madeAtMs
    const limitMs = read.mayBeStale ? ttlMs + graceMs : ttlMs
    if (ageMs > limitMs + ageSlackMs) this.#violated('S5', read, `${describe(product)}, ${Math.round(ageMs)} ms old, limit ${limitMs} ms`)
  }

  #violated(guarantee: Guarantee, read: Read, what: string): void {
    this.violate(guarantee, read.ended.ms, `node ${read.node} read ${what}; asked at ${read.started.ms.toFixed(1)}`)
  }
}

/** The keys that an invalidation by the tag is about. */
export function keysOf(tag: Tag): readonly Key[] {
  return KEYS.filter((key) => (TAGS_OF[key] as readonly string[]).includes(tag))
}

function describe({ key, version, source, node, madeAtMs }: Product): string {
  return `${key}@${version} (by the ${source} of node ${node} at ${madeAtMs.toFixed(1)})`
}

function describeChange(change: Change, key: Key): string {
  const end = change.ended === undefined ? 'never ended' : `ended ${change.outcome} at ${change.ended.ms.toFixed(1)}`
  return `${change.kind} to ${key}@${change.oldest.get(key)} by node ${change.node} from ${change.started.ms.toFixed(1)}, ${end}`
}
