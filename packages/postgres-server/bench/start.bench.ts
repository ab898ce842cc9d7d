// Cold start (with initdb), warm start, attach and stop, in milliseconds: the median of five.
// Run: node --conditions=@cidadao/source bench/start.bench.ts [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boundRow, reportBench } from '@cidadao/workspace/bench-report'
import { PostgresServer } from '../src/index.ts'

const ROUNDS = 5
const times = new Map<string, number[]>()

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const startedMs = performance.now()
  await work()
  times.set(what, [...(times.get(what) ?? []), performance.now() - startedMs])
}

for (let round = 0; round < ROUNDS; round += 1) {
  const throwaway = new PostgresServer({ mode: 'throwaway' })
  await timed('throwaway: cold start', () => throwaway.start())
  await timed('throwaway: stop and remove', () => throwaway.stop())

  const dataDir = await mkdtemp(join(tmpdir(), 'cidadao-bench-'))
  const [first, second] = [new PostgresServer({ mode: 'durable', dataDir }), new PostgresServer({ mode: 'durable', dataDir })]
  await timed('durable: cold start', () => first.start())
  await timed('durable: attach', () => second.start())
  await second.stop()
  await timed('durable: stop', () => first.stop())
  await timed('durable: warm start', () => first.start())
  await first.stop()
  await rm(dataDir, { recursive: true })
}

reportBench(
  Array.from(times, ([what, samples]) => {
    const sorted = samples.toSorted((a, b) => a - b)
    return boundRow(what, { value: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, unit: 'ms' })
  }),
)
