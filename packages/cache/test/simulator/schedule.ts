import { Random } from './random.ts'

/** What a seed stands for: who is there, and what happens when. Plain data, so that it can be printed and made smaller. */
export interface Schedule {
  readonly seed: number
  readonly nodes: number
  readonly tiers: readonly TierName[]
  /** Messages between a process and a server may overtake each other. */
  readonly reorders: boolean
  readonly memoryTtlMs: number
  readonly steps: readonly Step[]
}

export const TIER_NAMES = ['redis', 'postgres'] as const
export type TierName = (typeof TIER_NAMES)[number]

/** Keys, and the tags that their entries always have. */
export const TAGS_OF = { a: [], b: ['x'], c: ['x', 'y'], d: ['y'], quick: ['x'], slow: [] } as const satisfies Record<
  string,
  readonly string[]
>
export type Key = keyof typeof TAGS_OF
export const KEYS: readonly Key[] = ['a', 'b', 'c', 'd']
/** Asked for by everybody at the end, and not before: where the grace of an entry ends while it is refreshed, so does its lease. */
export const STAMPEDE_KEYS: readonly Key[] = ['quick', 'slow']
export const TAGS = ['x', 'y'] as const
export type Tag = (typeof TAGS)[number]

/** How long a factory takes before and after it reads its source, and whether it then fails. */
export interface Work {
  readonly beforeMs: number
  readonly afterMs: number
  readonly fails: boolean
}

export const SHARDS = ['all', 'entries', 'clock'] as const
export type Shard = (typeof SHARDS)[number]

/** What a clock of Redis consists of; of the marks, those in the tag's bucket. */
export const CLOCK_PARTS = ['clock', 'log', 'tags'] as const
export type ClockPart = (typeof CLOCK_PARTS)[number]

export type Action =
  | { readonly do: 'get'; readonly node: number; readonly key: Key; readonly allowStale: boolean }
  | { readonly do: 'obtain'; readonly node: number; readonly key: Key; readonly work: Work; readonly abortAfterMs?: number }
  | { readonly do: 'obtain-many'; readonly node: number; readonly keys: readonly Key[]; readonly work: Work }
  | { readonly do: 'set'; readonly node: number; readonly key: Key }
  | { readonly do: 'delete'; readonly node: number; readonly key: Key }
  | { readonly do: 'tags'; readonly node: number; readonly tag: Tag }
  | { readonly do: 'clear'; readonly node: number }
  /** Changes a key in a session and reads it elsewhere with the session's token. */
  | { readonly do: 'session'; readonly node: number; readonly other: number; readonly key: Key; readonly change: 'set' | 'delete' }
  | { readonly do: 'loss'; readonly node: number; readonly tier: TierName; readonly loss: number; readonly forMs: number }
  | { readonly do: 'slow'; readonly node: number; readonly tier: TierName; readonly slowestMs: number; readonly forMs: number }
  | { readonly do: 'cut'; readonly node: number; readonly tier: TierName; readonly forMs: number }
  | { readonly do: 'down'; readonly tier: TierName; readonly forMs: number }
  | { readonly do: 'deafen'; readonly node: number; readonly loss: number; readonly forMs: number }
  | { readonly do: 'interrupt'; readonly node: number }
  | { readonly do: 'pause'; readonly node: number; readonly forMs: number }
  | { readonly do: 'evict-entry'; readonly tier: TierName; readonly key: Key }
  | { readonly do: 'evict-clock'; readonly part: ClockPart; readonly tag: Tag }
  | { readonly do: 'flush'; readonly tier: TierName }
  | { readonly do: 'failover'; readonly shard: Shard; readonly lagMs: number; readonly skewMs: number }
  /** The process dies, and another takes its place. */
  | { readonly do: 'restart'; readonly node: number }
  | { readonly do: 'jump'; readonly node: number; readonly byMs: number }

export type Step = Action & { readonly atMs: number }

const WEIGHTS: Record<Action['do'], number> = {
  get: 34,
  obtain: 30,
  'obtain-many': 3,
  set: 8,
  delete: 10,
  tags: 7,
  clear: 2,
  session: 4,
  loss: 1.5,
  slow: 1.5,
  cut: 1,
  down: 0.7,
  deafen: 3,
  interrupt: 0.5,
  pause: 1.2,
  'evict-entry': 0.7,
  'evict-clock': 3,
  flush: 0.3,
  failover: 0.6,
  restart: 1.2,
  jump: 0.3,
}

/** Some seeds are about one thing, which chance alone would bring about too seldom. */
const TAG_WEIGHTS: typeof WEIGHTS = { ...WEIGHTS, set: 2, delete: 1, tags: 18, 'evict-clock': 9, restart: 6, failover: 0, flush: 0 }

/** Seeds of the same number are the same schedule, for ever. */
export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed)
  const nodes = 2 + random.below(3)
  const tiers = random.pick<readonly TierName[]>([['redis'], ['redis', 'postgres'], ['redis', 'postgres'], ['postgres']])
  // A few keys at a time make more races than all of them.
  const keys = random.chance(0.6) ? [random.pick(KEYS), random.pick(KEYS)] : KEYS
  const weights = random.chance(0.25) ? TAG_WEIGHTS : WEIGHTS
  const make = new Actions(random, { nodes, tiers, keys, weights })
  const steps: Step[] = []
  let atMs = 100
  const count = 40 + random.below(50)
  while (steps.length < count) {
    atMs += random.chance(0.12) ? random.between(100, 1_500) : random.between(0, 12) ** 1.3
    steps.push({ atMs: Math.round(atMs * 10) / 10, ...make.one() })
  }
  return { seed, nodes, tiers, reorders: random.chance(0.3), memoryTtlMs: random.pick([400, 60_000]), steps }
}

interface Cast {
  readonly nodes: number
  readonly tiers: readonly TierName[]
  readonly keys: readonly Key[]
  readonly weights: typeof WEIGHTS
}

class Actions {
  readonly #random: Random
  readonly #cast: Cast

  constructor(random: Random, cast: Cast) {
    this.#random = random
    this.#cast = cast
  }

  one(): Action {
    const kind = this.#random.weighted(this.#cast.weights)
    return this.#call(kind) ?? this.#fault(kind)
  }

  #node(): number {
    return this.#random.below(this.#cast.nodes)
  }

  #work(): Work {
    const random = this.#random
    const longest = random.pick([3, 30, 400, 1_400])
    return {
      beforeMs: Math.round(random.between(0, longest)),
      afterMs: Math.round(random.between(0, longest)),
      fails: random.chance(0.12),
    }
  }

  #call(kind: Action['do']): Action | undefined {
    const random = this.#random
    const node = this.#node()
    const key = random.pick(this.#cast.keys)
    switch (kind) {
      case 'get':
        return { do: kind, node, key, allowStale: random.chance(0.2) }
      case 'obtain': {
        const abort = random.chance(0.1) ? { abortAfterMs: Math.round(random.between(1, 200)) } : {}
        return { do: kind, node, key, work: this.#work(), ...abort }
      }
      case 'obtain-many':
        return { do: kind, node, keys: KEYS.filter(() => random.chance(0.6)), work: this.#work() }
      case 'set':
      case 'delete':
        return { do: kind, node, key }
      case 'tags':
        return { do: kind, node, tag: random.pick(TAGS) }
      case 'clear':
        return { do: kind, node }
      case 'session':
        return { do: kind, node, other: this.#node(), key, change: random.pick(['set', 'delete']) }
      default:
        return undefined
    }
  }

  #fault(kind: Action['do']): Action {
    const random = this.#random
    const node = this.#node()
    const tier = random.pick(this.#cast.tiers)
    const forMs = Math.round(random.between(0, 50) ** 2)
    switch (kind) {
      case 'loss':
        return { do: kind, node, tier, loss: random.pick([0.05, 0.3, 0.8]), forMs }
      case 'slow':
        return { do: kind, node, tier, slowestMs: random.pick([20, 60, 300]), forMs }
      case 'cut':
        return { do: kind, node, tier, forMs }
      case 'down':
        return { do: kind, tier, forMs }
      case 'deafen':
        return { do: kind, node, loss: random.pick([0.3, 1]), forMs: forMs * 3 }
      case 'interrupt':
      case 'restart':
        return { do: kind, node }
      case 'pause':
        return { do: kind, node, forMs: forMs * 2 }
      case 'evict-entry':
        return { do: kind, tier, key: random.pick(this.#cast.keys) }
      case 'evict-clock':
        return { do: kind, tag: random.pick(TAGS), part: random.pick(['clock', 'log', 'tags', 'tags']) }
      case 'flush':
        return { do: kind, tier }
      case 'failover':
        return {
          do: kind,
          shard: random.pick(SHARDS),
          lagMs: Math.round(random.between(0, 300)),
          skewMs: Math.round(random.between(-400, 400)),
        }
      default:
        return { do: 'jump', node, byMs: Math.round(random.between(-1, 1) * 3_600_000) }
    }
  }
}
