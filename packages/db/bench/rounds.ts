import { ratioRow, type BenchRow } from '@cidadao/workspace/bench-report'

/** One way of doing a thing. The first contestant of a comparison is what the others are compared with. */
export interface Contestant {
  readonly name: string
  /** Least speed that is asked for, in that of the baseline. */
  readonly atLeast?: number
  /** Name of the contestant to compare with. @default the first */
  readonly against?: string
  /** Things done by one call of `round`. */
  readonly size: number
  /** Does `size` things; only this is timed. */
  round(): Promise<unknown>
  /** Before each round, not timed. */
  prepare?(): Promise<unknown>
}

/**
 * Lets the contestants take turns, so that whatever else the machine does falls on all alike. Each round gives a ratio
 * to the baseline of the same round; the median of them counts. A first round warms up.
 */
export async function takeTurns(subject: string, contestants: readonly Contestant[], rounds: number): Promise<BenchRow[]> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let turn = -1; turn < rounds; turn += 1) {
    // Each begins once in a while: what comes first after a checkpoint of the server pays for it.
    for (const [index] of contestants.entries()) {
      const contestant = contestants[(index + turn + 1) % contestants.length]
      if (contestant === undefined) continue
      await contestant.prepare?.()
      const startedMs = performance.now()
      await contestant.round()
      const tookMs = (performance.now() - startedMs) / contestant.size
      if (turn >= 0) times.get(contestant.name)?.push(tookMs)
    }
  }
  return contestants.map(({ name, against = contestants[0]?.name ?? name, atLeast }) => {
    const own = times.get(name) ?? []
    const base = times.get(against) ?? []
    const ratio = median(own.map((took, turn) => (base[turn] ?? Number.NaN) / took))
    return ratioRow(`${subject}: ${name}`, figure(median(own)), ratio, atLeast === undefined ? undefined : { atLeast })
  })
}

/** `count` calls, `width` of them under way at a time. */
export async function inLanes(width: number, count: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

function figure(tookMs: number): string {
  const took = tookMs >= 1 ? `${tookMs.toFixed(2)} ms` : `${(tookMs * 1_000).toFixed(0)} µs`
  return `${took}, ${Math.round(1_000 / tookMs).toLocaleString('en')}/s`
}
