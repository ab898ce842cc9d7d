import { TestClock } from '@cidadao/contracts'
import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { gatedAgent, nextEvent, rejection, settle } from '../test/fixtures/pool-kit.ts'
import { createAgentPool, defineAgent, type AgentPool, type AgentPoolEvents, type RunOptions } from './index.ts'

let clock: TestClock
const pools: AgentPool[] = []
beforeEach(() => (clock = new TestClock()))
afterEach(async () => {
  for (const pool of pools.splice(0)) {
    const stopping = pool.stop()
    await clock.advance(60_000)
    await stopping
  }
})

const started: typeof createAgentPool = (options) => {
  const pool = createAgentPool({ clock, ...options })
  pools.push(pool)
  return pool
}

async function gatedPool(
  limits: { readonly slots?: number; readonly queueLimit?: number } = { slots: 1 },
  settings: Omit<Parameters<typeof createAgentPool>[0], 'agents'> = {},
) {
  const agent = gatedAgent('gated', limits)
  const pool = started({ agents: [agent.definition], ...settings })
  await pool.start()
  const submit = (label: string, options?: RunOptions) => {
    const result = pool.run('gated', label, options)
    // Each test looks at the outcomes it is about; the others end with the pool.
    result.catch(() => {})
    return result
  }
  return { agent, pool, submit }
}

const stats = (pool: AgentPool) => pool.stats().agents[0]

describe('waiting for a slot', () => {
  it('is waiting, not failing: the result of a queued run comes when it is done', async () => {
    const { agent, submit } = await gatedPool()
    const first = submit('a')
    const second = submit('b')
    await settle()
    expect(agent.begun).toEqual(['a'])
    agent.finish('a')
    expect(await first).toBe('a')
    await settle()
    agent.finish('b')
    expect(await second).toBe('b')
  })

  it('keeps runs of equal priority first in, first out', async () => {
    const { agent, submit } = await gatedPool()
    const labels = Array.from({ length: 20 }, (_, i) => `run ${i}`)
    for (const label of labels) void submit(label)
    for (const label of labels) {
      await settle()
      agent.finish(label)
    }
    expect(agent.begun).toEqual(labels)
  })

  it('lets higher priorities pass', async () => {
    const { agent, submit } = await gatedPool()
    void submit('first')
    await settle()
    void submit('low', { priority: 'low' })
    void submit('normal')
    void submit('critical', { priority: 'critical' })
    void submit('high', { priority: 'high' })
    for (const label of ['first', 'critical', 'high', 'normal', 'low']) {
      await settle()
      agent.finish(label)
    }
    expect(agent.begun).toEqual(['first', 'critical', 'high', 'normal', 'low'])
  })

  it('raises the priority of who waits long, so that none starves', async () => {
    const { agent, submit } = await gatedPool({ slots: 1 }, { ageingMs: 1_000 })
    void submit('first')
    await settle()
    void submit('old and low', { priority: 'low' })
    await settle()
    await clock.advance(3_000)
    void submit('new and critical', { priority: 'critical' })
    await settle()
    agent.finish('first')
    await settle()
    expect(agent.begun).toEqual(['first', 'old and low'])
  })

  it('shares slots between tenants, however many runs one of them floods in', async () => {
    const { agent, submit } = await gatedPool()
    for (let i = 0; i < 50; i++) void submit(`flood ${i}`, { tenant: 'flooder' })
    void submit('modest 0', { tenant: 'modest' })
    void submit('modest 1', { tenant: 'modest' })
    await settle()
    for (let i = 0; i < 6; i++) {
      agent.finish(agent.begun.at(-1) ?? '')
      await settle()
    }
    expect(agent.begun.slice(0, 5).filter((label) => label.startsWith('modest'))).toEqual(['modest 0', 'modest 1'])
  })

  it('ends after the queue timeout', async () => {
    const { agent, submit, pool } = await gatedPool({ slots: 1 }, { queueTimeoutMs: 500 })
    void submit('a')
    const waiting = rejection(submit('b'))
    await settle()
    await clock.advance(500)
    expect(await waiting).toMatchObject({ code: 'AGENT_POOL_QUEUE_TIMEOUT', facts: { agent: 'gated', queueTimeoutMs: 500 } })
    expect(agent.begun).toEqual(['a'])
    expect(stats(pool)).toMatchObject({ queued: 0, running: 1, outcomes: { 'timed-out': 1 } })
  })

  it('needs no timer but its own: a pool that waits does not poll', async () => {
    const { submit } = await gatedPool({ slots: 1, queueLimit: 100 })
    for (let i = 0; i < 50; i++) void submit(`run ${i}`)
    await settle()
    // One each: its queue timeout, or its run timeout.
    expect(clock.pendingTimers).toBe(50)
    await clock.advance(10_000)
    expect(clock.pendingTimers).toBe(50)
  })
})

describe('a queue that is full', () => {
  it('refuses with the time after which to try again', async () => {
    const { pool, submit } = await gatedPool({ slots: 1, queueLimit: 2 })
    const rejected = nextEvent(pool, 'runRejected')
    void submit('a')
    void submit('b')
    void submit('c')
    const error = await rejection(submit('d'))
    expect(error).toMatchObject({ code: 'AGENT_POOL_QUEUE_FULL', facts: { agent: 'gated', scope: 'agent', queueLimit: 2 } })
    expect(error.retryAfterMs).toBeGreaterThan(0)
    expect(await rejected).toEqual({ agent: 'gated', code: 'AGENT_POOL_QUEUE_FULL' })
    expect(stats(pool)).toMatchObject({ running: 1, queued: 2, rejected: 1 })
  })

  it('of length 0 admits only what begins at once', async () => {
    const { submit, agent } = await gatedPool({ slots: 1, queueLimit: 0 })
    const first = submit('a')
    await settle()
    expect(await rejection(submit('b'))).toMatchObject({ code: 'AGENT_POOL_QUEUE_FULL' })
    agent.finish('a')
    expect(await first).toBe('a')
  })

  it('for one tenant is not full for another', async () => {
    const { submit, pool } = await gatedPool({ slots: 1 }, { tenantQueueLimit: 1 })
    void submit('a', { tenant: 't' })
    void submit('b', { tenant: 't' })
    expect(await rejection(submit('c', { tenant: 't' }))).toMatchObject({ facts: { scope: 'tenant', queueLimit: 1 } })
    void submit('d', { tenant: 'u' })
    await settle()
    expect(stats(pool)).toMatchObject({ queued: 2 })
  })

  it('does not trouble another agent: each has its own walls', async () => {
    const busy = gatedAgent('busy', { slots: 1, queueLimit: 0 })
    const free = gatedAgent('free')
    const pool = started({ agents: [busy.definition, free.definition] })
    await pool.start()
    pool.run('busy', 'a').catch(() => {})
    await settle()
    expect(await rejection(pool.run('busy', 'b'))).toMatchObject({ code: 'AGENT_POOL_QUEUE_FULL' })
    const result = pool.run('free', 'c')
    await settle()
    free.finish('c')
    expect(await result).toBe('c')
  })
})

describe('stopping a run', () => {
  it('that waits removes it at once', async () => {
    const { agent, submit, pool } = await gatedPool()
    void submit('a')
    const abort = new AbortController()
    const waiting = rejection(submit('b', { signal: abort.signal }))
    await settle()
    abort.abort(new Error('changed my mind'))
    expect(await waiting).toMatchObject({ code: 'AGENT_POOL_CANCELLED', cause: { message: 'changed my mind' } })
    agent.finish('a')
    await settle()
    expect(agent.begun).toEqual(['a'])
    expect(stats(pool)).toMatchObject({ queued: 0, running: 0, outcomes: { cancelled: 1, succeeded: 1 } })
  })

  it('that runs aborts its signal and waits until it has stopped', async () => {
    const { agent, submit, pool } = await gatedPool()
    const abort = new AbortController()
    const result = rejection(submit('a', { signal: abort.signal }))
    await settle()
    abort.abort()
    expect(agent.contexts.get('a')?.signal.reason).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect(stats(pool)).toMatchObject({ running: 1 })
    agent.finish('a')
    expect(await result).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect(stats(pool)).toMatchObject({ running: 0 })
  })

  it('that ignores its signal is abandoned after the grace period, visibly, and frees the slot', async () => {
    const { agent, submit, pool } = await gatedPool({ slots: 1 }, { cancelGraceMs: 200 })
    const abandoned = nextEvent(pool, 'runAbandoned')
    const abort = new AbortController()
    const result = rejection(submit('a', { signal: abort.signal }))
    void submit('b')
    await settle()
    abort.abort()
    await clock.advance(199)
    expect(agent.begun).toEqual(['a'])
    await clock.advance(1)
    expect(await result).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect(await abandoned).toEqual({ agent: 'gated' })
    expect(agent.begun).toEqual(['a', 'b'])
  })

  it('is enforced by the run timeout, of the agent or shorter', async () => {
    const { submit } = await gatedPool({ slots: 2 }, { runTimeoutMs: 1_000, cancelGraceMs: 0 })
    const short = rejection(submit('short', { timeoutMs: 10 }))
    const long = rejection(submit('long', { timeoutMs: 5_000 }))
    await settle()
    await clock.advance(10)
    expect(await short).toMatchObject({ code: 'AGENT_POOL_RUN_TIMEOUT', facts: { runTimeoutMs: 10 } })
    await clock.advance(990)
    expect(await long).toMatchObject({ code: 'AGENT_POOL_RUN_TIMEOUT', facts: { runTimeoutMs: 1_000 } })
  })

  it('is enforced by the deadline, waiting or running, and wall-clock jumps do not matter', async () => {
    const { submit } = await gatedPool({ slots: 1 }, { cancelGraceMs: 0 })
    const deadline = new Date(clock.now().getTime() + 100)
    const outcomes = [rejection(submit('running', { deadline })), rejection(submit('waiting', { deadline }))]
    await settle()
    clock.jumpWallClock(3_600_000)
    await clock.advance(99)
    let ended = false
    void Promise.all(outcomes).then(() => (ended = true))
    await settle()
    expect(ended).toBe(false)
    await clock.advance(1)
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: 'AGENT_POOL_DEADLINE_EXCEEDED' })
  })

  it('already aborted or late admits nothing', async () => {
    const { agent, submit } = await gatedPool()
    expect(await rejection(submit('a', { signal: AbortSignal.abort('no') }))).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect(await rejection(submit('b', { deadline: clock.now() }))).toMatchObject({ code: 'AGENT_POOL_DEADLINE_EXCEEDED' })
    expect(agent.begun).toEqual([])
  })

  it('leaves no listener on a signal that outlives the runs', async () => {
    const { agent, submit } = await gatedPool({ slots: 4 })
    const process = new AbortController()
    const results = ['a', 'b', 'c', 'd', 'e'].map((label) => submit(label, { signal: process.signal }))
    await settle()
    expect(getEventListeners(process.signal, 'abort')).toHaveLength(1)
    for (const label of ['a', 'b', 'c', 'd', 'e']) {
      agent.finish(label)
      await settle()
    }
    await Promise.all(results)
    expect(getEventListeners(process.signal, 'abort')).toHaveLength(0)
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('what goes in and out', () => {
  const sums = defineAgent({
    name: 'sums',
    version: '2.1.0',
    input: z.object({ numbers: z.array(z.number()) }),
    output: z.object({ sum: z.number() }),
    run: ({ numbers }) => ({ sum: numbers.reduce((a, b) => a + b, 0) }),
  })

  it('is refused at submit where the input is invalid, with field, rule and shape but no value', async () => {
    const pool = started({ agents: [sums] })
    await pool.start()
    const input = { numbers: [1, 'secret'] } as unknown as { numbers: number[] }
    const error = await rejection(pool.run('sums', input))
    expect(error).toMatchObject({
      code: 'AGENT_POOL_INPUT_INVALID',
      facts: { agent: 'sums', field: 'numbers.1', shape: 'string of 6', issues: 1 },
    })
    expect(error.message).not.toContain('secret')
  })

  it('is an invalid output where the agent returns something else', async () => {
    const broken = defineAgent({ ...sums, run: () => ({ total: 3 }) as unknown as { sum: number } })
    const pool = started({ agents: [broken] })
    await pool.start()
    expect(await rejection(pool.run('sums', { numbers: [] }))).toMatchObject({
      code: 'AGENT_POOL_OUTPUT_INVALID',
      facts: { field: 'sum', shape: 'undefined' },
    })
  })

  it('keeps the agent’s own error as cause', async () => {
    const { agent, submit } = await gatedPool()
    const own = Object.assign(new RangeError('too far'), { code: 'TOO_FAR' })
    const result = rejection(submit('a'))
    await settle()
    agent.fail('a', own)
    const error = await result
    expect(error).toMatchObject({ code: 'AGENT_POOL_AGENT_FAILED', facts: { errorName: 'RangeError', errorCode: 'TOO_FAR' } })
    expect(error.cause).toBe(own)
  })

  it('rejects an unknown agent at once and names the known ones', async () => {
    const pool: AgentPool = started({ agents: [sums] })
    await pool.start()
    const error = await rejection(pool.run('summs', {}))
    expect(error).toMatchObject({ code: 'AGENT_POOL_UNKNOWN_AGENT', facts: { agent: 'summs', known: 'sums' } })
    expect(() => pool.capacity('summs')).toThrow('unknown agent')
  })

  it('describes its agents', () => {
    expect(started({ agents: [sums] }).agents()).toEqual([
      {
        name: 'sums',
        version: '2.1.0',
        description: '',
        isolation: 'inline',
        deterministic: false,
        idempotent: false,
        slots: 16,
        capabilities: [],
      },
    ])
  })

  it('accepts a schema that takes its time, and reports one that throws', async () => {
    const slow = defineAgent({ ...sums, name: 'slow', input: z.object({ numbers: z.array(z.number()) }).refine(async () => true) })
    const thrower = defineAgent({
      ...sums,
      name: 'thrower',
      input: z.any().transform((): { numbers: number[] } => {
        throw new Error('schema bug')
      }),
    })
    const pool = started({ agents: [slow, thrower] })
    await pool.start()
    expect(await pool.run('slow', { numbers: [2, 3] })).toEqual({ sum: 5 })
    expect(await rejection(pool.run('thrower', {}))).toMatchObject({ code: 'AGENT_POOL_AGENT_FAILED', cause: { message: 'schema bug' } })
  })
})

describe('progress of an inline agent', () => {
  it('is thinned to the newest, and the last comes before the result', async () => {
    const { agent, submit } = await gatedPool({ slots: 1 }, { progressIntervalMs: 100 })
    const seen: unknown[] = []
    const result = submit('a', { onProgress: (progress) => seen.push(progress) })
    await settle()
    const report = (value: number) => agent.contexts.get('a')?.progress(value)
    report(1)
    report(2)
    report(3)
    expect(seen).toEqual([1])
    await clock.advance(100)
    expect(seen).toEqual([1, 3])
    report(4)
    agent.finish('a')
    await result
    expect(seen).toEqual([1, 3, 4])
    report(5)
    expect(seen).toEqual([1, 3, 4])
  })

  it('survives a listener that throws', async () => {
    const { agent, submit, pool } = await gatedPool()
    const failed = nextEvent(pool, 'progressListenerFailed')
    const result = submit('a', {
      onProgress: () => {
        throw new Error('listener bug')
      },
    })
    await settle()
    agent.contexts.get('a')?.progress('half way')
    agent.finish('a')
    expect(await result).toBe('a')
    expect(await failed).toMatchObject({ agent: 'gated', error: { message: 'listener bug' } })
  })
})

describe('draining', () => {
  it('finishes what waits and runs, refuses what comes, and hands nothing back in time', async () => {
    const { agent, submit, pool } = await gatedPool()
    const results = [submit('a'), submit('b')]
    await settle()
    const report = pool.drain({ deadlineMs: 1_000 })
    expect(await rejection(submit('c'))).toMatchObject({ code: 'AGENT_POOL_DRAINING' })
    expect(pool.stats().state).toBe('draining')
    expect(pool.capacity('gated')).toBe(0)
    agent.finish('a')
    await settle()
    agent.finish('b')
    expect(await report).toEqual({ finished: 2, handedBack: [] })
    expect(await Promise.all(results)).toEqual(['a', 'b'])
    expect(pool.stats().state).toBe('drained')
  })

  it('hands back what it cannot finish by the deadline, with inputs, waiting and running', async () => {
    const { submit, pool } = await gatedPool({ slots: 1 }, { cancelGraceMs: 50 })
    const running = rejection(submit('a', { tenant: 't' }))
    const waiting = rejection(submit('b', { priority: 'high' }))
    await settle()
    const report = pool.drain({ deadlineMs: 1_000 })
    await clock.advance(1_050)
    expect((await report).handedBack).toEqual([
      { runId: '2', agent: 'gated', input: 'b', tenant: '', priority: 'high', started: false },
      { runId: '1', agent: 'gated', input: 'a', tenant: 't', priority: 'normal', started: true },
    ])
    expect(await running).toMatchObject({ code: 'AGENT_POOL_HANDED_BACK', started: true })
    expect(await waiting).toMatchObject({ code: 'AGENT_POOL_HANDED_BACK', started: false })
    expect(stats(pool)).toMatchObject({ running: 0, queued: 0, outcomes: { 'handed-back': 2 } })
  })

  it('may be asked for again, with a nearer deadline', async () => {
    const { submit, pool } = await gatedPool({ slots: 1 }, { cancelGraceMs: 0 })
    void submit('a')
    await settle()
    const patient = pool.drain({ deadlineMs: 60_000 })
    const hasty = pool.drain({ deadlineMs: 10 })
    await clock.advance(10)
    expect(await hasty).toEqual(await patient)
    expect(clock.pendingTimers).toBe(0)
  })

  it('is what stop does; stopping twice, or before the start, is nothing, and a stopped pool starts again', async () => {
    const { agent, submit, pool } = await gatedPool({ slots: 1 }, { stopDeadlineMs: 1_000 })
    const queued = [submit('a'), submit('b')]
    await settle()
    const stopping = Promise.all([pool.stop(), pool.stop()])
    agent.finish('a')
    await settle()
    agent.finish('b')
    await stopping
    // Piscina's close() would have rejected the one that waited.
    expect(await Promise.all(queued)).toEqual(['a', 'b'])
    expect(await rejection(submit('c'))).toMatchObject({ code: 'AGENT_POOL_NOT_RUNNING' })
    await pool.start()
    const result = submit('d')
    await settle()
    agent.finish('d')
    expect(await result).toBe('d')
  })
})

describe('a circuit', () => {
  const hang = defineAgent({
    name: 'hang',
    version: '1',
    input: z.unknown(),
    output: z.unknown(),
    slots: 1,
    run: () => new Promise(() => {}),
  })

  it('opens when runs out of time do not stop, refuses those that wait, and is tried by one run', async () => {
    let hangs = true
    const moody = defineAgent({ ...hang, name: 'moody', run: async () => (hangs ? new Promise(() => {}) : 'fine') })
    const pool = started({
      agents: [moody],
      runTimeoutMs: 10,
      cancelGraceMs: 0,
      crashIntensity: { crashes: 2, withinMs: 60_000 },
      circuitBackoff: { initialMs: 1_000, maxMs: 8_000 },
    })
    await pool.start()
    const events: string[] = []
    for (const name of ['circuitOpened', 'circuitHalfOpened', 'circuitClosed'] as const) pool.on(name, () => events.push(name))

    const crashed = [rejection(pool.run('moody', 1)), rejection(pool.run('moody', 2))]
    const waiting = rejection(pool.run('moody', 3))
    await settle()
    await clock.advance(20)
    for (const outcome of crashed) expect(await outcome).toMatchObject({ code: 'AGENT_POOL_RUN_TIMEOUT' })
    expect(await waiting).toMatchObject({ code: 'AGENT_POOL_CIRCUIT_OPEN' })
    expect(await rejection(pool.run('moody', 4))).toMatchObject({ code: 'AGENT_POOL_CIRCUIT_OPEN' })
    expect(stats(pool)).toMatchObject({ circuit: 'open', outcomes: { refused: 1, 'timed-out': 2 } })

    await clock.advance(1_000)
    hangs = false
    expect(await pool.run('moody', 5)).toBe('fine')
    expect(stats(pool)).toMatchObject({ circuit: 'closed' })
    expect(events).toEqual(['circuitOpened', 'circuitHalfOpened', 'circuitClosed'])
  })

  it('stays closed for agents that merely fail', async () => {
    const fails = defineAgent({
      ...hang,
      name: 'fails',
      run: () => {
        throw new Error('no')
      },
    })
    const pool = started({ agents: [fails], crashIntensity: { crashes: 1, withinMs: 60_000 } })
    await pool.start()
    for (let i = 0; i < 5; i++) await rejection(pool.run('fails', i))
    expect(stats(pool)).toMatchObject({ circuit: 'closed', outcomes: { failed: 5 } })
  })
})

describe('capacity and events', () => {
  it('says how many runs would begin at once', async () => {
    const { agent, submit, pool } = await gatedPool({ slots: 3 })
    expect(pool.capacity('gated')).toBe(3)
    void submit('a')
    void submit('b')
    await settle()
    expect(pool.capacity('gated')).toBe(1)
    void submit('c')
    void submit('d')
    await settle()
    expect(pool.capacity('gated')).toBe(0)
    agent.finish('a')
    await settle()
    expect(pool.capacity('gated')).toBe(0)
    agent.finish('b')
    await settle()
    expect(pool.capacity('gated')).toBe(1)
  })

  it('tells the life of a run', async () => {
    const { agent, submit, pool } = await gatedPool()
    const seen: [keyof AgentPoolEvents, object][] = []
    for (const name of ['runQueued', 'runStarted', 'runFinished', 'drained'] as const) pool.on(name, (event) => seen.push([name, event]))
    void submit('a')
    void submit('b')
    await settle()
    await clock.advance(40)
    agent.finish('a')
    await settle()
    await clock.advance(5)
    agent.finish('b')
    await settle()
    await pool.drain()
    expect(seen).toEqual([
      ['runStarted', { agent: 'gated', queuedMs: 0 }],
      ['runQueued', { agent: 'gated', queued: 1 }],
      ['runFinished', { agent: 'gated', outcome: 'succeeded', queuedMs: 0, runMs: 40 }],
      ['runStarted', { agent: 'gated', queuedMs: 40 }],
      ['runFinished', { agent: 'gated', outcome: 'succeeded', queuedMs: 40, runMs: 5 }],
      ['drained', { handedBack: 0 }],
    ])
  })

  it('gives a snapshot that later runs do not change', async () => {
    const { agent, submit, pool } = await gatedPool()
    const before = pool.stats()
    const result = submit('a')
    await settle()
    agent.finish('a')
    await result
    expect(before).toMatchObject({ running: 0, agents: [{ outcomes: { succeeded: 0 } }] })
    expect(pool.stats()).toMatchObject({ running: 0, agents: [{ outcomes: { succeeded: 1 } }] })
  })
})
