import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { rejection } from '../../test/fixtures/pool-kit.ts'
import { defineAgent } from '../define-agent.ts'
import { FAULT_KINDS, scriptedAgent, seededRandom, startTestPool, TestClock, withSeededFaults } from './index.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

describe('a scripted agent', () => {
  it('plays one script a run, the last again and again, and remembers what it was given', async () => {
    const clock = new TestClock()
    const agent = scriptedAgent({
      name: 'actor',
      clock,
      scripts: [[{ does: 'return', value: 'first' }], [{ does: 'return', value: 'then' }]],
    })
    const { pool, stop } = await startTestPool({ agents: [agent.definition], clock })
    stops.push(stop)
    expect([await pool.run('actor', 1), await pool.run('actor', 2), await pool.run('actor', 3)]).toEqual(['first', 'then', 'then'])
    expect(agent.inputs).toEqual([1, 2, 3])
  })

  it('waits by the clock, reports and gives in to its signal, and its pool keeps a diary', async () => {
    const clock = new TestClock()
    const scripts = [[{ does: 'progress', value: 'half' }, { does: 'wait', ms: 500 }, { does: 'wait-for-abort' }]] as const
    const agent = scriptedAgent({ name: 'actor', clock, scripts })
    const { pool, events, advance, stop } = await startTestPool({ agents: [agent.definition], clock })
    stops.push(stop)
    const seen: unknown[] = []
    const outcome = rejection(pool.run('actor', null, { timeoutMs: 2_000, onProgress: (progress) => seen.push(progress) }))
    await advance(2_000)
    expect(await outcome).toMatchObject({ code: 'AGENT_POOL_RUN_TIMEOUT' })
    expect(seen).toEqual(['half'])
    expect(events.map(({ atMs, name }) => `${atMs} ${name}`)).toEqual(['0 runStarted', '2000 runFinished'])
  })

  it('that hangs is let go of when the pool stops', async () => {
    const clock = new TestClock()
    const agent = scriptedAgent({ name: 'actor', clock, scripts: [[{ does: 'hang' }]] })
    const { pool, advance, stop } = await startTestPool({ agents: [agent.definition], clock })
    const outcome = rejection(pool.run('actor', null))
    await advance(0)
    await stop()
    expect(await outcome).toMatchObject({ code: 'AGENT_POOL_HANDED_BACK', started: true })
  })
})

describe('seeded faults', () => {
  const echo = defineAgent({ name: 'echo', version: '1', input: z.number(), output: z.number(), run: (n) => n })
  const rates = { transient: 0.2, failure: 0.1, 'non-error': 0.1, 'wrong-shape': 0.1, slow: 0.1 }

  async function course(seed: number): Promise<{ readonly outcomes: readonly string[]; readonly faults: readonly string[] }> {
    const clock = new TestClock()
    const { agent, faults } = withSeededFaults(echo, { seed, rates, clock })
    const { pool, advance, stop } = await startTestPool({ agents: [agent], clock })
    const outcomes: string[] = []
    for (let run = 0; run < 50; run++) {
      const settled = pool.run('echo', run).then(
        () => 'ok',
        (thrown: unknown) => (thrown as { readonly code: string }).code,
      )
      await advance(1_000)
      outcomes.push(await settled)
    }
    await stop()
    return { outcomes, faults }
  }

  it('are the same for the same seed, and others for another', async () => {
    const first = await course(7)
    expect(await course(7)).toEqual(first)
    expect((await course(8)).faults).not.toEqual(first.faults)
  })

  it('come as the errors a pool makes of them', async () => {
    const { outcomes, faults } = await course(7)
    const codes = new Map(faults.map((fault, run) => [fault, outcomes[run]]))
    expect(Object.fromEntries(codes)).toEqual({
      none: 'ok',
      slow: 'ok',
      transient: 'AGENT_POOL_AGENT_FAILED',
      failure: 'AGENT_POOL_AGENT_FAILED',
      'non-error': 'AGENT_POOL_AGENT_FAILED',
      'wrong-shape': 'AGENT_POOL_OUTPUT_INVALID',
    })
  })

  it('reject rates that are more than everything', () => {
    const clock = new TestClock()
    expect(() => withSeededFaults(echo, { seed: 1, rates: { hang: 0.6, slow: 0.6 }, clock })).toThrow('at most 1 together')
    expect(FAULT_KINDS).toContain('hang')
  })

  it('are dealt evenly', () => {
    const random = seededRandom(3)
    const drawn = Array.from({ length: 10_000 }, random)
    expect(drawn.filter((number) => number < 0.25).length / 10_000).toBeCloseTo(0.25, 1)
    expect(Math.max(...drawn)).toBeLessThan(1)
  })
})
