import { startClients } from './campaign.ts'
import { SCENARIOS } from './scenarios.ts'
import { DELTA_MS } from './world.ts'

/** `npx nx run cache:chaos -- --rounds=N`: every scenario, so many times over, as one table. */
const rounds = Number(/^--rounds=(\d+)$/.exec(process.argv.find((each) => each.startsWith('--rounds')) ?? '--rounds=5')?.[1] ?? 5)
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const clients = await startClients()
let failed = false

say(`${'scenario'.padEnd(46)} operations  violations  worst staleness (bound ${DELTA_MS} ms)`)
try {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    const { operations, violations, worstStalenessMs } = await scenario({ clients, rounds, pauseMs: 10_000 })
    failed ||= violations.length > 0
    say(
      `${name.padEnd(46)} ${String(operations).padStart(10)}  ${String(violations.length).padStart(10)}  ${worstStalenessMs.toFixed(0).padStart(10)} ms`,
    )
    for (const { guarantee, what } of violations.slice(0, 3)) say(`  ${guarantee}: ${what}`)
  }
} finally {
  await Promise.all(clients.map((client) => client.kill()))
}
process.exitCode = failed ? 1 : 0
