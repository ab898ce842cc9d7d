import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { rejection } from '../test/fixtures/pool-kit.ts'
import { createAgentPool, defineAgent } from './index.ts'
import { startTestPool, TestClock } from './testing/index.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const parts = { version: '1', input: z.null(), output: z.string(), run: () => 'done' }

describe('hooks of an inline agent', () => {
  it('set it up before the pool is ready and give back what it holds when it stops, each once', async () => {
    const calls: string[] = []
    const agent = defineAgent({ ...parts, name: 'a', init: () => void calls.push('init'), dispose: () => void calls.push('dispose') })
    const { pool, stop } = await startTestPool({ agents: [agent] })
    await pool.run('a', null)
    await stop()
    await pool.stop()
    expect(calls).toEqual(['init', 'dispose'])
  })

  it('fail the start where an agent is not set up, and give up the others', async () => {
    const calls: string[] = []
    const good = defineAgent({ ...parts, name: 'good', dispose: () => void calls.push('good disposed') })
    const bad = defineAgent({ ...parts, name: 'bad', init: () => Promise.reject(new Error('no key')) })
    const pool = createAgentPool({ agents: [good, bad], clock: new TestClock() })
    expect(await rejection(pool.start())).toMatchObject({ code: 'AGENT_POOL_START_FAILED', cause: { message: 'no key' } })
    expect(calls).toEqual(['good disposed'])
    expect(pool.health()).toEqual({ status: 'fail', problems: [{ kind: 'not-running', state: 'stopped' }] })
  })

  it('keep runs waiting, not failing, while the agent is not ready', async () => {
    let ready = false
    const agent = defineAgent({
      ...parts,
      name: 'a',
      probe: () => {
        if (!ready) throw new Error('warming')
      },
    })
    const { pool, events, advance, stop } = await startTestPool({ agents: [agent], probeIntervalMs: 1_000 })
    stops.push(stop)
    const result = pool.run('a', null)
    await advance(999)
    expect(pool.stats()).toMatchObject({ running: 0, queued: 1 })
    expect(pool.capacity('a')).toBe(0)
    expect(pool.health()).toEqual({ status: 'fail', problems: [{ kind: 'agent-unready', agent: 'a' }] })
    ready = true
    await advance(1)
    expect(await result).toBe('done')
    expect(events.map(({ name }) => name)).toEqual(['agentUnready', 'runQueued', 'runStarted', 'runFinished'])
    expect(pool.health()).toEqual({ status: 'pass', problems: [] })
  })

  it('that never end are not waited for', async () => {
    const agent = defineAgent({
      ...parts,
      name: 'a',
      probe: () => new Promise<never>(() => {}),
      dispose: () => new Promise<never>(() => {}),
    })
    const clock = new TestClock()
    const pool = createAgentPool({ agents: [agent], clock, probeTimeoutMs: 500, cancelGraceMs: 100 })
    const failures: string[] = []
    pool.on('agentDisposeFailed', ({ error }) => failures.push(error.message))
    const starting = pool.start()
    await clock.advance(500)
    await starting
    expect(pool.health().status).toBe('fail')
    const stopping = pool.stop()
    await clock.advance(100)
    await stopping
    expect(failures).toEqual(['dispose of agent "a" took longer than 100 ms'])
  })
})

describe('options', () => {
  const agents = [defineAgent({ ...parts, name: 'a' })]
  it.each([
    [{ threads: 2, minThreads: 3 }, '"minThreads" must be at most threads, which is 2'],
    [{ route: 'nearest' as 'random' }, '"route" must be one of most-recent'],
    [{ supervision: { restart: 'always' as 'permanent' } }, '"supervision.restart" must be one of permanent'],
    [{ scaling: { runsPerWorker: 0 } }, '"scaling.runsPerWorker" must be a whole number ≥ 1'],
    [{ rateLimits: { portal: { perSecond: 0, burst: 1 } } }, '"rateLimits.portal.perSecond" must be a number > 0'],
  ])('that cannot be are refused: %j', (settings, message) => {
    expect(() => createAgentPool({ agents, ...settings })).toThrow(message)
  })
})
