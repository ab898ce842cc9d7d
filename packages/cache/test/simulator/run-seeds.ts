import { parseArgs } from 'node:util'
import { scheduleOf, type Schedule } from './schedule.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulate.ts'
import { factsOf } from './trace.ts'

type Print = (line: string) => void

const DEFAULT_SEEDS = '2000'
const EVERY = 5_000

/**
 * `--seeds=N` runs seeds 1 to N (`--from=M`: from M on) up to the first that breaks a guarantee, and prints its smallest schedule; `--seed=S`
 * replays one step by step. Resolves to the exit code.
 */
export async function runSeeds(argv: readonly string[], print: Print): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seeds: { type: 'string', default: DEFAULT_SEEDS },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      small: { type: 'boolean', default: false },
    },
  })
  if (values.seed !== undefined) return replay(scheduleOf(Number(values.seed)), { print, small: values.small })
  return search(Number(values.from), Number(values.seeds), print)
}

async function search(from: number, count: number, print: Print): Promise<number> {
  const startedMs = performance.now()
  let events = 0
  let simulatedMs = 0
  const rate = (done: number): string => {
    const seconds = (performance.now() - startedMs) / 1_000
    return `${done} seeds in ${seconds.toFixed(1)} s (${(done / seconds).toFixed(0)} a second), ${events} events, ${(simulatedMs / 3_600_000).toFixed(1)} simulated hours`
  }
  for (let index = 0; index < count; index++) {
    const schedule = scheduleOf(from + index)
    const report = await simulate(schedule)
    events += report.events
    simulatedMs += report.simulatedMs
    if ((index + 1) % EVERY === 0) print(rate(index + 1))
    if (report.violations.length === 0) continue
    print(rate(index + 1))
    print(`seed ${schedule.seed} breaks a guarantee; --seed=${schedule.seed} replays it, with --small its smallest schedule`)
    await printShrunk(schedule, print)
    return 1
  }
  print(`${rate(count)}, no violation`)
  return 0
}

async function replay(schedule: Schedule, { print, small }: { readonly print: Print; readonly small: boolean }): Promise<number> {
  const replayed = small ? await shrink(schedule) : schedule
  const trace = (line: string, facts?: unknown): void => print(facts === undefined ? line : `${line} ${factsOf(facts)}`)
  const { violations } = await simulate(replayed, { trace })
  for (const violation of violations) print(JSON.stringify(violation))
  return violations.length === 0 ? 0 : 1
}

async function printShrunk(schedule: Schedule, print: Print): Promise<void> {
  const shrunk = await shrink(schedule)
  const { violations } = await simulate(shrunk)
  const { steps, ...cast } = shrunk
  print(JSON.stringify(cast))
  for (const step of steps) print(`  ${JSON.stringify(step)}`)
  for (const violation of violations) print(JSON.stringify(violation))
}
