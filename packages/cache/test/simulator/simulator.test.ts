import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MECHANISMS, type Mechanism } from './fake-server.ts'
import { scheduleOf } from './schedule.ts'
import { simulate } from './simulate.ts'
import { factsOf } from './trace.ts'

/** `npx nx run cache:simulate --seed=S` replays the seed of a failure step by step. */
const SEEDS = 2_000
const BITES_WITHIN = 2_000
/** Where the search for a violation begins: shortly before one, so that it does not take longer than needed. */
const BITES_FROM: Readonly<Record<Mechanism, number>> = { fence: 50, generation: 80, lease: 1, 'tag-floor': 300, gap: 500 }

async function firstFailing(from: number, seeds: number, switchedOff: readonly Mechanism[] = []): Promise<string | undefined> {
  for (let seed = from; seed < from + seeds; seed++) {
    const { violations } = await simulate(scheduleOf(seed), { switchedOff: new Set(switchedOff) })
    const [first] = violations
    if (first !== undefined) return `seed ${seed}: ${first.guarantee} at ${first.atMs.toFixed(1)} ms: ${first.what}`
  }
  return undefined
}

async function traceOf(seed: number): Promise<string> {
  const hash = createHash('sha256')
  await simulate(scheduleOf(seed), { trace: (line, facts) => hash.update(`${line} ${factsOf(facts)}\n`) })
  return hash.digest('hex')
}

describe('the simulator', () => {
  it('takes the same course for the same seed, to the last message', async () => {
    for (const seed of [7, 8, 9]) expect(await traceOf(seed)).toBe(await traceOf(seed))
    expect(await traceOf(7)).not.toBe(await traceOf(8))
  })

  it(`finds no broken guarantee in ${SEEDS} schedules`, async () => {
    expect(await firstFailing(1, SEEDS)).toBeUndefined()
  }, 300_000)

  it.each(MECHANISMS)(
    `notices within ${BITES_WITHIN} schedules that there is no %s`,
    async (mechanism) => {
      expect(await firstFailing(BITES_FROM[mechanism], BITES_WITHIN, [mechanism])).toMatch(/^seed \d+: S\d/)
    },
    300_000,
  )
})
