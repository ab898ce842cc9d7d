import { ratioRow, type BenchRow } from '@cidadao/workspace/bench-report'

export type Run = (key: string) => unknown

export interface Subject {
  readonly name: string
  readonly run: Run
}

export interface Goal {
  /** The subject that the others are compared with. */
  readonly against: string
  readonly atLeast: number
}

export const KEYS: readonly string[] = Array.from({ length: 1_000 }, (_, index) => `contract:${index}`)
/** About a kilobyte as JSON. */
export const VALUE = { id: 'x'.repeat(36), supplier: 'Ministério da Saúde', amount: '12345.67', text: 'y'.repeat(900) }

const ROUNDS = 11

export interface Comparison {
  readonly title: string
  readonly subjects: readonly Subject[]
  /** Runs the subject for every key, some way; resolves to how many runs it were. */
  readonly round: (run: Run) => Promise<number>
  /** By subject, which ratios are to be shown and what they should be. */
  readonly goals?: Readonly<Record<string, readonly Goal[]>>
}

/** Subjects take turns round by round, so that a busy machine disturbs all alike; the median round counts. */
export async function compare({ title, subjects, round, goals = {} }: Comparison): Promise<BenchRow[]> {
  const rates = subjects.map((): number[] => [])
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const [index, { run }] of subjects.entries()) {
      const started = performance.now()
      const runs = await round(run)
      rates[index]?.push(runs / ((performance.now() - started) / 1_000))
    }
  }
  const medians = new Map(subjects.map(({ name }, index) => [name, median(rates[index] ?? [])]))
  const base = medians.get(subjects[0]?.name ?? '') ?? 1
  return subjects.flatMap(({ name }) => {
    const rate = medians.get(name) ?? 0
    const figure = `${Math.round(rate).toLocaleString('en')}/s`
    const wanted = goals[name] ?? []
    if (wanted.length === 0) return [ratioRow(`${title}: ${name}`, figure, rate / base)]
    return wanted.map(({ against, atLeast }) =>
      ratioRow(`${title}: ${name} : ${against}`, figure, rate / (medians.get(against) ?? Number.NaN), { atLeast }),
    )
  })
}

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5)
}

export function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** Without a wait anywhere. */
export function syncRound(repeats: number): Comparison['round'] {
  return async (run) => {
    for (let repeat = 0; repeat < repeats; repeat++) for (const key of KEYS) run(key)
    return KEYS.length * repeats
  }
}

/** One after the other. */
export function awaitedRound(repeats: number): Comparison['round'] {
  return async (run) => {
    for (let repeat = 0; repeat < repeats; repeat++) for (const key of KEYS) await run(key)
    return KEYS.length * repeats
  }
}

/** As many at a time as a busy service has under way. */
export function concurrentRound(width: number): Comparison['round'] {
  return async (run) => {
    for (let at = 0; at < KEYS.length; at += width) await Promise.all(KEYS.slice(at, at + width).map(run))
    return KEYS.length
  }
}
