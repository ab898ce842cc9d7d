import { afterEach, describe, expect, it } from 'vitest'
import { rejection } from '../test/fixtures/pool-kit.ts'
import { isTransientError, type AgentPoolSettings, type RetryPolicy } from './index.ts'
import { scriptedAgent, startTestPool, TestClock, type Script } from './testing/index.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const reset = Object.assign(new Error('connection reset'), { code: 'ECONNRESET' })
const FAILS: Script = [{ does: 'throw', error: reset }]
const WORKS: Script = [{ does: 'return', value: 'done' }]

async function retrying(scripts: readonly [Script, ...Script[]], retry: RetryPolicy = { attempts: 3 }, settings: AgentPoolSettings = {}) {
  const clock = new TestClock()
  const agent = scriptedAgent({ name: 'flaky', clock, scripts, retry, slots: 1 })
  const test = await startTestPool({ ...settings, clock, agents: [agent.definition] })
  stops.push(test.stop)
  return { ...test, agent }
}

describe('retries inside a run', () => {
  it('make a success of a transient failure: whoever waits hears of no other', async () => {
    const { pool, agent, events, advance } = await retrying([FAILS, FAILS, WORKS])
    const result = pool.run('flaky', 'in')
    await advance(1_000)
    expect(await result).toBe('done')
    expect(agent.inputs).toEqual(['in', 'in', 'in'])
    expect(agent.contexts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(events.filter(({ name }) => name === 'runRetried').map(({ payload }) => 'attempt' in payload && payload.attempt)).toEqual([2, 3])
    expect(pool.stats().agents[0]).toMatchObject({ retries: 2, running: 0, outcomes: { succeeded: 1, failed: 0 } })
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
  })

  it('are not for failures that stay', async () => {
    const { pool, agent, advance } = await retrying([[{ does: 'throw', error: new Error('the file is broken') }]])
    const result = rejection(pool.run('flaky', null))
    await advance(60_000)
    expect(await result).toMatchObject({ code: 'AGENT_POOL_AGENT_FAILED', cause: { message: 'the file is broken' } })
    expect(agent.inputs).toHaveLength(1)
  })

  it('end after the last attempt with its failure', async () => {
    const { pool, agent, advance } = await retrying([FAILS])
    const result = rejection(pool.run('flaky', null))
    await advance(60_000)
    expect(await result).toMatchObject({ code: 'AGENT_POOL_AGENT_FAILED', facts: { errorCode: 'ECONNRESET' } })
    expect(agent.inputs).toHaveLength(3)
  })

  it('hold no slot while they wait', async () => {
    const { pool, advance } = await retrying([FAILS, WORKS], { attempts: 2, initialMs: 1_000 })
    const first = pool.run('flaky', 1)
    await advance(0)
    expect(pool.stats().agents[0]).toMatchObject({ running: 0, queued: 0 })
    expect(await pool.run('flaky', 2)).toBe('done')
    await advance(1_000)
    expect(await first).toBe('done')
  })

  it('are not begun where the run timeout or the deadline would come first', async () => {
    const { pool, agent, clock, advance } = await retrying([FAILS], { attempts: 9, initialMs: 1_000 })
    const short = rejection(pool.run('flaky', null, { timeoutMs: 400 }))
    const late = rejection(pool.run('flaky', null, { deadline: new Date(clock.now().getTime() + 400) }))
    await advance(0)
    expect(await short).toMatchObject({ code: 'AGENT_POOL_AGENT_FAILED' })
    expect(await late).toMatchObject({ code: 'AGENT_POOL_AGENT_FAILED' })
    expect(agent.inputs).toHaveLength(2)
  })

  it('share one run timeout', async () => {
    const scripts: [Script, Script] = [[{ does: 'wait', ms: 600 }, ...FAILS], [{ does: 'wait', ms: 600 }]]
    const { pool, events, advance } = await retrying(scripts, { attempts: 2, initialMs: 10 })
    const result = rejection(pool.run('flaky', null, { timeoutMs: 1_000 }))
    await advance(1_000)
    expect(await result).toMatchObject({ code: 'AGENT_POOL_RUN_TIMEOUT' })
    expect(events.at(-1)).toMatchObject({ atMs: 1_000, name: 'runFinished' })
  })

  it('stop when the caller cancels, also between attempts', async () => {
    const { pool, agent, clock, advance } = await retrying([FAILS], { attempts: 3, initialMs: 10_000 })
    const abort = new AbortController()
    const result = rejection(pool.run('flaky', null, { signal: abort.signal }))
    await advance(0)
    abort.abort()
    expect(await result).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect(clock.pendingTimers).toBe(0)
    expect(agent.inputs).toHaveLength(1)
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
  })

  it('are handed back by a drain as begun', async () => {
    const { pool, advance } = await retrying([FAILS], { attempts: 3, initialMs: 10_000 })
    const result = rejection(pool.run('flaky', 'in'))
    await advance(0)
    const draining = pool.drain({ deadlineMs: 1 })
    await advance(1)
    expect((await draining).handedBack).toMatchObject([{ input: 'in', started: true }])
    expect(await result).toMatchObject({ code: 'AGENT_POOL_HANDED_BACK' })
  })

  it('keep the age of the run, and are spread by jitter', async () => {
    const { events, pool, advance } = await retrying([FAILS], { attempts: 4, initialMs: 100, maxMs: 200 })
    const result = rejection(pool.run('flaky', null))
    await advance(10_000)
    await result
    const delays = events.flatMap(({ payload }) => ('delayMs' in payload ? [payload.delayMs] : []))
    expect(delays).toHaveLength(3)
    for (const [index, delayMs] of delays.entries()) {
      const full = Math.min(200, 100 * 2 ** index)
      expect(delayMs).toBeGreaterThanOrEqual(full / 2)
      expect(delayMs).toBeLessThanOrEqual(full)
    }
  })
})

describe('a transient error', () => {
  it('says so itself, or is a failure of the network, also as a cause', () => {
    expect(isTransientError(reset)).toBe(true)
    expect(isTransientError(new Error('the portal did not answer', { cause: reset }))).toBe(true)
    expect(isTransientError(Object.assign(new Error('busy'), { facts: { transient: true } }))).toBe(true)
    expect(isTransientError(Object.assign(new Error('final'), { transient: false, code: 'ECONNRESET' }))).toBe(false)
    expect(isTransientError(new TypeError('x is not a function'))).toBe(false)
  })
})
