/** Random plans for tests: many valid, many wrong in one place. The same seed gives the same plans. */

/** From 0 up to 1. */
export type Random = () => number

export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

const JUNK = [null, undefined, -1, 1e99, '', 'a#1', [], {}, true, Number.NaN, '\u0000', [[[[]]]]] as const

export function randomPlan(random: Random): unknown {
  const count = 1 + Math.floor(random() * 7)
  const ids = Array.from({ length: count }, (_, at) => `s${at}`)
  const steps = ids.map((id, at) => randomStep(random, id, ids.slice(0, at)))
  const plan: Record<string, unknown> = {
    version: 1,
    madeBy: 'random',
    onStepFailure: pick(random, ['complete_with_gaps', 'fail']),
    steps,
    ...(random() < 0.2 ? { budget: { maxStepRuns: count + Math.floor(random() * 20) } } : {}),
    ...(random() < 0.1 ? { resultStep: pick(random, [...ids, 'ghost']) } : {}),
  }
  if (random() < 0.4) spoil(random, random() < 0.2 ? plan : pick(random, steps))
  return plan
}

function randomStep(random: Random, id: string, earlier: readonly string[]): Record<string, unknown> {
  const dependsOn = earlier.filter(() => random() < 0.4)
  const from = dependsOn.length === 0 ? undefined : pick(random, dependsOn)
  const common = {
    id,
    dependsOn,
    onUpstream: pick(random, ['all_success', 'all_success', 'all_done', 'one_failed']),
    essential: random() < 0.1,
    ...(from !== undefined && random() < 0.3 ? { when: randomCondition(random, from) } : {}),
  }
  if (random() < 0.15) return { ...common, kind: 'approval', question: 'May it?', onRefusal: pick(random, ['fail', 'continue']) }
  const isFanOut = from !== undefined && random() < 0.35
  return {
    ...common,
    agent: 'loader',
    inputs: from === undefined ? {} : { before: { from }, ...(isFanOut ? { row: { item: [] } } : {}) },
    ...(random() < 0.3 ? { retry: { maxAttempts: 1 + Math.floor(random() * 4) } } : {}),
    ...(isFanOut ? { forEach: randomForEach(random, from) } : { mayReplan: random() < 0.1 }),
  }
}

function randomForEach(random: Random, from: string): object {
  return {
    from,
    path: ['list'],
    maxItems: 8,
    maxParallel: 1 + Math.floor(random() * 4),
    onItemFailure: pick(random, ['continue', 'fail', 'stop']),
  }
}

function randomCondition(random: Random, from: string): object {
  const path = ['list']
  return random() < 0.5
    ? { from, path, operator: pick(random, ['exists', 'missing', 'not_empty']) }
    : { from, path: ['n'], operator: 'at_least', value: 3 }
}

/** Puts something wrong, or missing, in the place of one field. */
function spoil(random: Random, target: Record<string, unknown>): void {
  const field = pick(random, [...Object.keys(target), 'dependsOn', 'forEach', 'when', 'extra'])
  target[field] = random() < 0.3 ? [pick(random, ['s0', 's3', 'ghost'])] : pick(random, JUNK)
}
