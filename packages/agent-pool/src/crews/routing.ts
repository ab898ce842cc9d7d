/** How a crew chooses among its idle workers. */
export const ROUTER_STRATEGIES = ['most-recent', 'round-robin', 'least-runs', 'random'] as const

/**
 * `most-recent`: the one that worked last, whose caches are warm, so that others can be ended when idle. `round-robin`:
 * the one that has rested longest. `least-runs`: the one with the fewest runs behind it. `random`: any.
 */
export type RouterStrategy = (typeof ROUTER_STRATEGIES)[number]

/** What routing needs to know of a worker. */
export interface Routable {
  /** Stays with the worker, and is no other's. */
  readonly id: number
  readonly completedRuns: number
}

export interface Router {
  readonly strategy: RouterStrategy
  readonly random: () => number
}

/** One of `idle`, which is in the order in which they became so; undefined where it is empty. */
export function route<Worker extends Routable>(idle: readonly Worker[], { strategy, random }: Router): Worker | undefined {
  switch (strategy) {
    case 'most-recent':
      return idle.at(-1)
    case 'round-robin':
      return idle[0]
    case 'least-runs':
      return leastBy(idle, ({ completedRuns }) => completedRuns)
    case 'random':
      return idle[Math.floor(random() * idle.length)]
  }
}

/**
 * The idle worker that comes first for `key` among all workers by rendezvous hashing: the same key goes to the same
 * worker while that is free, to the same second one while it is not, and a worker that comes or goes moves only the
 * keys that are its own. Nothing is remembered, so nothing grows with the number of keys.
 */
export function routeByKey<Worker extends Routable>(idle: readonly Worker[], key: string): Worker | undefined {
  return leastBy(idle, ({ id }) => -mix(hashOf(key) ^ Math.imul(id + 1, 0x9e3779b1)))
}

function leastBy<Item>(items: readonly Item[], measure: (item: Item) => number): Item | undefined {
  let least: Item | undefined
  let leastMeasure = Number.POSITIVE_INFINITY
  for (const item of items) {
    const measured = measure(item)
    if (measured < leastMeasure) [least, leastMeasure] = [item, measured]
  }
  return least
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}

/** The final mix of MurmurHash3: neighbouring numbers end up far apart. */
function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
