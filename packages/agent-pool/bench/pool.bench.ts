import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { ratioRow, reportBench } from '@cidadao/workspace/bench-report'
import { createAgentPool, defineThreadAgent } from '../src/index.ts'
import { agent as inlineSquare } from './agents/square.agent.ts'

/**
 * What the pool costs over a direct call, and over Piscina alone. Rounds of all contestants take turns, so that what
 * else the machine does falls on each; the median round counts.
 *
 *   node --conditions=@cidadao/source bench/pool.bench.ts [--json] [--rounds 9]
 */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '9' } } })
const ROUNDS = Number(values.rounds)
const THREADS = 2
const RUNS = 2_000

interface Contestant {
  readonly name: string
  /** The contestant that ratios are taken to. */
  readonly against: string
  /** Runs in flight at the same time; 1 measures the way there and back. */
  readonly concurrency: number
  call(n: number): unknown
}

interface Row {
  readonly name: string
  readonly against: string
  readonly microsPerRun: number
  /** How many times as long as what it is compared with. */
  readonly ratio: number
}

async function roundMs({ call, concurrency }: Contestant): Promise<number> {
  const startedAt = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < RUNS) await call(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return performance.now() - startedAt
}

async function measure(contestants: readonly Contestant[]): Promise<readonly Row[]> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const contestant of contestants) {
      const took = await roundMs(contestant)
      // The first round warms up.
      if (round >= 0) times.get(contestant.name)?.push(took)
    }
  }
  const micros = (name: string): number => (median(times.get(name) ?? []) / RUNS) * 1_000
  return contestants.map(({ name, against }) => ({ name, against, microsPerRun: micros(name), ratio: micros(name) / micros(against) }))
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

function barePiscina(atomics: 'sync' | 'disabled'): Piscina<number, number> {
  const filename = fileURLToPath(new URL('./agents/bare-square.mjs', import.meta.url))
  return new Piscina<number, number>({ filename, name: 'square', minThreads: THREADS, maxThreads: THREADS, atomics })
}

const threadSquare = defineThreadAgent({ ...inlineSquare, module: new URL('./agents/square.agent.ts', import.meta.url) })
const inlinePool = createAgentPool({ agents: [inlineSquare] })
const threadPool = createAgentPool({ agents: [threadSquare], threads: THREADS })
await Promise.all([inlinePool.start(), threadPool.start()])
const [sync, disabled] = [barePiscina('sync'), barePiscina('disabled')]

const inlineCall = (n: number): unknown => inlinePool.run('square', n)
const threadCall = (n: number): unknown => threadPool.run('square', n)
const rows = await measure([
  { name: 'direct call', against: 'direct call', concurrency: 1, call: async (n) => n * n },
  { name: 'inline agent', against: 'direct call', concurrency: 1, call: inlineCall },
  { name: 'inline agent, 64 at once', against: 'direct call', concurrency: 64, call: inlineCall },
  { name: 'piscina', against: 'piscina', concurrency: 1, call: (n) => disabled.run(n) },
  { name: 'piscina, default atomics', against: 'piscina', concurrency: 1, call: (n) => sync.run(n) },
  { name: 'thread agent', against: 'piscina', concurrency: 1, call: threadCall },
  { name: 'piscina, 64 at once', against: 'piscina, 64 at once', concurrency: 64, call: (n) => disabled.run(n) },
  { name: 'thread agent, 64 at once', against: 'piscina, 64 at once', concurrency: 64, call: threadCall },
])

reportBench(
  rows.map(({ name, against, microsPerRun, ratio }) => ratioRow(`${name}, to ${against}`, `${microsPerRun.toFixed(2)} µs`, ratio)),
)
await Promise.all([inlinePool.stop(), threadPool.stop(), sync.destroy(), disabled.destroy()])
