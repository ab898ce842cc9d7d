import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/index.ts'
import { Pools, rejection } from './fixtures/pool-kit.ts'
import * as agents from './fixtures/thread-agents.ts'

const { inThread } = agents
const pools = new Pools()
afterEach(() => pools.stopAll())

/** Mistakes that pools of this kind are known for. Others of the list are tested beside what they concern. */
describe('known traps', () => {
  it('the event loop of an idle thread goes on turning between runs', async () => {
    const pool = await pools.start({ agents: [inThread(agents.ticker, 'ticker')], threads: 1 })
    let ticks = await pool.run('ticker', null)
    const giveUpAt = performance.now() + 5_000
    // Waiting for a sign of life instead of for a time: each run asks how far the timer has come on its own.
    while (ticks === 0 && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      ticks = await pool.run('ticker', null)
    }
    expect(ticks).toBeGreaterThan(0)
  })

  it('stopping lets queued runs finish instead of rejecting them', async () => {
    const pool = await pools.start({ agents: [inThread(agents.square, 'square')], threads: 1, stopDeadlineMs: 10_000 })
    const results = Promise.all(Array.from({ length: 20 }, (_, n) => pool.run('square', { n })))
    await new Promise((resolve) => setImmediate(resolve))
    await pool.stop()
    expect((await results).at(-1)).toEqual({ squared: 361 })
  })

  it('a draining pool kills what does not stop, and is gone when it says so', async () => {
    const pool = await pools.start({ agents: [inThread(agents.spin, 'spin')], threads: 1, cancelGraceMs: 20 })
    const results = [rejection(pool.run('spin', 'a')), rejection(pool.run('spin', 'b'))]
    await new Promise((resolve) => setImmediate(resolve))
    const report = await pool.drain({ deadlineMs: 10 })
    expect(report.handedBack.map(({ input, started }) => ({ input, started }))).toEqual([
      { input: 'b', started: false },
      { input: 'a', started: true },
    ])
    for (const result of results) expect(await result).toMatchObject({ code: 'AGENT_POOL_HANDED_BACK' })
    await pool.stop()
    expect(pool.stats().threads.alive).toBe(0)
  })

  it('no thread being idle is waiting, not failing, and no more runs at once than there are threads', async () => {
    const pool = await pools.start({ agents: [inThread(agents.whichThread, 'whichThread')], threads: 2 })
    const used = await Promise.all(Array.from({ length: 50 }, () => pool.run('which-thread', null)))
    expect(new Set(used).size).toBeLessThanOrEqual(2)
    expect(pool.stats().agents[0]?.outcomes.succeeded).toBe(50)
  })

  it('a crash while others wait loses only the run that crashed', async () => {
    const pool = await pools.start({ agents: [inThread(agents.exits, 'exits'), inThread(agents.square, 'square')], threads: 1 })
    const crash = rejection(pool.run('exits', null))
    const others = Promise.all(Array.from({ length: 5 }, (_, n) => pool.run('square', { n })))
    expect(await crash).toMatchObject({ code: 'AGENT_POOL_AGENT_CRASHED' })
    expect(await others).toHaveLength(5)
  })

  it('10,000 inline runs with a caller’s long-lived signal leave memory flat', async () => {
    const payload = defineAgent({
      name: 'payload',
      version: '1',
      input: z.object({ text: z.string() }),
      output: z.number(),
      run: async ({ text }) => text.length,
    })
    const pool = await pools.start({ agents: [payload], queueLimit: 10_000 })
    const { signal } = new AbortController()
    const batch = async (): Promise<number> => {
      const runs = Array.from({ length: 10_000 }, (_, i) => pool.run('payload', { text: `${'x'.repeat(1_000)}${i}` }, { signal }))
      await Promise.all(runs)
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    await batch()
    const before = await batch()
    const after = await batch()
    expect(after - before).toBeLessThan(2 * 1024 * 1024)
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, agents: [{ outcomes: { succeeded: 30_000 } }] })
  })
})

/** Exposed at run time, so that the test does not depend on flags of whoever runs it. */
const collectGarbage: () => void = await import('node:v8').then(async ({ setFlagsFromString }) => {
  setFlagsFromString('--expose-gc')
  const { runInNewContext } = await import('node:vm')
  return runInNewContext('gc') as () => void
})
