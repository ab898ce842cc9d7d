import { hasCode, InfraError } from '@cidadao/contracts'
import { afterEach, describe, expect, it } from 'vitest'
import { AgentCrashedError, createAgentPool, defineThreadAgent, RemoteInfraError } from '../src/index.ts'
import * as agents from './fixtures/thread-agents.ts'
import { nextEvent, Pools, rejection, untilAtWork } from './fixtures/pool-kit.ts'

const { inThread } = agents
const pools = new Pools()
afterEach(() => pools.stopAll())

const square = inThread(agents.square, 'square')

describe('an agent in a thread', () => {
  it('runs from TypeScript source, off the caller’s thread, with a typed result', async () => {
    const pool = await pools.start({ agents: [square, inThread(agents.whichThread, 'whichThread')], threads: 1 })
    const { squared } = await pool.run('square', { n: 7 })
    expect(squared).toBe(49)
    expect(await pool.run('which-thread', null)).toBeGreaterThan(0)
  })

  it('parses with schemas that transform exactly once on each side', async () => {
    const pool = await pools.start({ agents: [inThread(agents.dates, 'dates')], threads: 1 })
    expect(await pool.run('dates', '2024-01-31')).toBe('year 2024')
  })

  it('carries large results', async () => {
    const pool = await pools.start({ agents: [inThread(agents.echo, 'echo')], threads: 1 })
    const large = { text: 'ação '.repeat(100_000), at: new Date(0), big: 2n ** 80n }
    expect(await pool.run('echo', large)).toEqual(large)
  })

  it('keeps class name, code, facts, properties and causes of its error across the thread boundary', async () => {
    const pool = await pools.start({ agents: [inThread(agents.throwsOwn, 'throwsOwn')], threads: 1 })
    const error = await rejection(pool.run('throws-own', null))
    expect(error).toMatchObject({
      code: 'AGENT_POOL_AGENT_FAILED',
      facts: { agent: 'throws-own', errorName: 'SourceGoneError', errorCode: 'PROC_SOURCE_GONE' },
    })
    const own = error.cause as InfraError
    expect(own).toBeInstanceOf(RemoteInfraError)
    expect(own).toBeInstanceOf(InfraError)
    expect(hasCode(own, 'PROC_SOURCE_GONE')).toBe(true)
    expect(own).toMatchObject({ name: 'SourceGoneError', message: 'the source is gone', facts: { file: 'a.csv', attempts: 2 } })
    expect(own.stack).toContain('thread-agents.ts')
    expect(own.cause).toMatchObject({ name: 'BrokenFileError', code: 'PROC_BROKEN_FILE', line: 17 })
    expect((own.cause as Error).cause).toMatchObject({ name: 'RangeError', message: 'root' })
  })

  it('may throw a non-error, which becomes one', async () => {
    const pool = await pools.start({ agents: [inThread(agents.throwsText, 'throwsText')], threads: 1 })
    const error = await rejection(pool.run('throws-text', null))
    expect(error.code).toBe('AGENT_POOL_AGENT_FAILED')
    expect((error.cause as Error).message).toContain('just text')
  })

  it('that returns the wrong shape is told field, rule and shape, never the value', async () => {
    const pool = await pools.start({ agents: [inThread(agents.wrongShape, 'wrongShape')], threads: 1 })
    const error = await rejection(pool.run('wrong-shape', null))
    expect(error).toMatchObject({
      code: 'AGENT_POOL_OUTPUT_INVALID',
      facts: { agent: 'wrong-shape', field: 'rows.1.id', shape: 'number', issues: 1 },
    })
    expect(error.message).toContain('"rows.1.id"')
  })

  it('that returns what cannot leave the thread is an invalid output, and the thread lives', async () => {
    const pool = await pools.start({
      agents: [inThread(agents.returnsFunction, 'returnsFunction'), inThread(agents.whichThread, 'whichThread')],
      threads: 1,
    })
    const before = await pool.run('which-thread', null)
    expect(await rejection(pool.run('returns-function', null))).toMatchObject({ code: 'AGENT_POOL_OUTPUT_INVALID' })
    expect(await pool.run('which-thread', null)).toBe(before)
  })

  it('that is given what cannot enter a thread is an invalid input, and the thread lives', async () => {
    const pool = await pools.start({ agents: [inThread(agents.echo, 'echo')], threads: 1 })
    expect(await rejection(pool.run('echo', { f: () => 1 }))).toMatchObject({ code: 'AGENT_POOL_INPUT_INVALID' })
    expect(await pool.run('echo', 1)).toBe(1)
  })
})

describe('stopping an agent in a thread', () => {
  it('kills an infinite loop within the grace period, and the pool survives', async () => {
    const pool = await pools.start({ agents: [inThread(agents.spin, 'spin'), square], threads: 1, cancelGraceMs: 100 })
    const abort = new AbortController()
    const { result } = await untilAtWork(pool, 'spin', { signal: abort.signal })
    const restarted = nextEvent(pool, 'threadStarted')
    const abortedAt = performance.now()
    abort.abort(new Error('enough'))
    const error = await rejection(result)
    expect(error).toMatchObject({ code: 'AGENT_POOL_CANCELLED', cause: { message: 'enough' } })
    expect(performance.now() - abortedAt).toBeLessThan(2_000)
    await restarted
    expect(await pool.run('square', { n: 3 })).toEqual({ squared: 9 })
  })

  it('tells an agent that turns its event loop, which ends in time and keeps its thread', async () => {
    const pool = await pools.start({
      agents: [inThread(agents.polite, 'polite'), inThread(agents.whichThread, 'whichThread')],
      threads: 1,
      cancelGraceMs: 5_000,
    })
    const before = await pool.run('which-thread', null)
    const abort = new AbortController()
    const { result, progress } = await untilAtWork(pool, 'polite', { signal: abort.signal })
    abort.abort()
    // The agent returned something after all; who cancelled is told so nevertheless.
    expect(await rejection(result)).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect(progress.at(-1)).toBe('stopped by AGENT_POOL_CANCELLED')
    expect(await pool.run('which-thread', null)).toBe(before)
  })

  it('kills one that never resolves at its run timeout', async () => {
    const pool = await pools.start({ agents: [inThread(agents.never, 'never'), square], threads: 1, cancelGraceMs: 20 })
    const error = await rejection(pool.run('never', null, { timeoutMs: 50 }))
    expect(error).toMatchObject({ code: 'AGENT_POOL_RUN_TIMEOUT', facts: { agent: 'never', runTimeoutMs: 50 } })
    expect(await pool.run('square', { n: 2 })).toEqual({ squared: 4 })
  })

  it('enforces an absolute deadline on a running agent', async () => {
    const pool = await pools.start({ agents: [inThread(agents.spin, 'spin')], threads: 1, cancelGraceMs: 20 })
    const error = await rejection(pool.run('spin', null, { deadline: new Date(Date.now() + 60) }))
    expect(error).toMatchObject({ code: 'AGENT_POOL_DEADLINE_EXCEEDED' })
  })

  it('does not open the circuit for cancellations, however often', async () => {
    const pool = await pools.start({
      agents: [inThread(agents.spin, 'spin')],
      threads: 1,
      cancelGraceMs: 0,
      crashIntensity: { crashes: 2, withinMs: 60_000 },
    })
    for (let i = 0; i < 3; i++) {
      const abort = new AbortController()
      const { result } = await untilAtWork(pool, 'spin', { signal: abort.signal })
      abort.abort()
      await rejection(result)
    }
    expect(pool.stats().agents[0]).toMatchObject({ circuit: 'closed', outcomes: { cancelled: 3 } })
  })
})

describe('an agent that takes its thread down', () => {
  const deaths = [
    { title: 'runs out of memory', agent: inThread(agents.allocates, 'allocates'), reason: 'out-of-memory' },
    { title: 'calls process.exit', agent: inThread(agents.exits, 'exits'), reason: 'exit', exitCode: 3 },
    { title: 'leaves a stray rejection', agent: inThread(agents.stray, 'stray'), reason: 'uncaught-error' },
  ]
  for (const { title, agent, reason, exitCode } of deaths) {
    it(`crashes alone when it ${title}: one thread replaces its own and the pool goes on`, async () => {
      const pool = await pools.start({ agents: [agent, square], threads: 1, threadMemoryMb: 32 })
      // Node's own count: Piscina left alone would start one of its own besides.
      let created = 0
      const count = (): void => {
        created++
      }
      process.on('worker', count)
      const crashed = nextEvent(pool, 'threadCrashed')
      const error = await rejection(pool.run(agent.name, null))
      expect(error).toBeInstanceOf(AgentCrashedError)
      expect(error).toMatchObject({ code: 'AGENT_POOL_AGENT_CRASHED', facts: { agent: agent.name, reason } })
      if (exitCode !== undefined) expect(error).toMatchObject({ facts: { exitCode } })
      expect(await crashed).toEqual({ crew: 'threads', agent: agent.name, reason })
      expect(await pool.run('square', { n: 5 })).toEqual({ squared: 25 })
      process.off('worker', count)
      expect(created).toBe(1)
    })
  }

  it('is named also when its rejection comes after its run was over', async () => {
    const pool = await pools.start({ agents: [inThread(agents.strayLater, 'strayLater'), square], threads: 1 })
    const crashed = nextEvent(pool, 'threadCrashed')
    expect(await pool.run('stray-later', null)).toBe('done')
    expect(await crashed).toEqual({ crew: 'threads', agent: 'stray-later', reason: 'uncaught-error' })
    expect(await pool.run('square', { n: 1 })).toEqual({ squared: 1 })
  })

  it('has its circuit opened after N crashes, while other agents go on', async () => {
    const pool = await pools.start({
      agents: [inThread(agents.exits, 'exits'), square],
      threads: 1,
      crashIntensity: { crashes: 2, withinMs: 60_000 },
    })
    const opened = nextEvent(pool, 'circuitOpened')
    expect(await rejection(pool.run('exits', null))).toMatchObject({ code: 'AGENT_POOL_AGENT_CRASHED' })
    expect(await rejection(pool.run('exits', null))).toMatchObject({ code: 'AGENT_POOL_AGENT_CRASHED' })
    expect(await opened).toMatchObject({ agent: 'exits' })
    const refused = await rejection(pool.run('exits', null))
    expect(refused.code).toBe('AGENT_POOL_CIRCUIT_OPEN')
    expect(refused.retryAfterMs).toBeGreaterThan(0)
    expect(pool.capacity('exits')).toBe(0)
    expect(await pool.run('square', { n: 6 })).toEqual({ squared: 36 })
  })
})

describe('progress out of a thread', () => {
  it('of an agent that floods arrives thinned, the newest last, and costs no memory', async () => {
    const pool = await pools.start({ agents: [inThread(agents.floods, 'floods')], threads: 1, progressIntervalMs: 20 })
    const seen: { readonly done: number }[] = []
    const startedAt = performance.now()
    await pool.run('floods', { reports: 1_000_000 }, { onProgress: (progress) => seen.push(progress as { done: number }) })
    const intervals = (performance.now() - startedAt) / 20
    expect(seen.length).toBeLessThanOrEqual(intervals + 2)
    expect(seen.at(-1)).toEqual({ done: 1_000_000 })
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b))
  })

  it('that is too large or not JSON is dropped and counted', async () => {
    const pool = await pools.start({ agents: [inThread(agents.hugeProgress, 'hugeProgress')], threads: 1 })
    const seen: unknown[] = []
    expect(await pool.run('huge-progress', null, { onProgress: (progress) => seen.push(progress) })).toBe('ok')
    expect(seen).toEqual([])
    expect(pool.stats().agents[0]?.progressDropped).toBe(2)
  })
})

describe('starting threads', () => {
  const reference = (parts: { readonly module?: URL; readonly exportName: string; readonly version?: string }) =>
    defineThreadAgent({ ...agents.square, module: new URL('./fixtures/thread-agents.ts', import.meta.url), ...parts })
  const failures = [
    { title: 'an export that is missing', agent: reference({ exportName: 'nothing' }), text: 'export "nothing"' },
    { title: 'an export that is no agent', agent: reference({ exportName: 'notAnAgent' }), text: 'not an agent' },
    { title: 'another version', agent: reference({ exportName: 'square', version: '9' }), text: 'name and version must be the same' },
    {
      title: 'a module that is missing',
      agent: reference({ module: new URL('./fixtures/gone.ts', import.meta.url), exportName: 'square' }),
      text: 'gone.ts',
    },
    {
      title: 'a module that throws',
      agent: reference({ module: new URL('./fixtures/broken-module.ts', import.meta.url), exportName: 'square' }),
      text: 'this module does not load',
    },
  ]
  for (const { title, agent, text } of failures) {
    it(`fails loudly on ${title}, and leaves no thread`, async () => {
      const pool = createAgentPool({ agents: [agent], threads: 1 })
      const error = await rejection(pool.start())
      expect(error.code).toBe('AGENT_POOL_START_FAILED')
      expect(error.message).toContain(text)
      expect(pool.stats()).toMatchObject({ state: 'stopped', threads: { alive: 0 } })
    })
  }

  it('says what a bundled application has to build when the entry point is missing', async () => {
    const workerModule = new URL('./gone/worker.js', import.meta.url)
    const error = await rejection(createAgentPool({ agents: [square], threads: 1, workerModule }).start())
    expect(error).toMatchObject({ code: 'AGENT_POOL_START_FAILED' })
    expect(error.message).toContain('@cidadao/agent-pool/worker')
  })

  it('is given up when the signal aborts', async () => {
    const abort = new AbortController()
    const pool = createAgentPool({ agents: [square], threads: 1 })
    const starting = rejection(pool.start(abort.signal))
    abort.abort(new Error('shutdown'))
    expect((await starting).message).toContain('shutdown')
    expect(pool.stats().threads.alive).toBe(0)
  })

  it('gives up on a thread that does not become ready in time', async () => {
    const pool = createAgentPool({ agents: [square], threads: 1, startTimeoutMs: 1 })
    expect((await rejection(pool.start())).message).toContain('did not start within 1 ms')
  })

  it('can be done again after a stop', async () => {
    const pool = await pools.start({ agents: [square], threads: 2 })
    expect(pool.stats().threads).toEqual({ alive: 2, idle: 2, target: 2 })
    await pool.stop()
    expect(pool.stats().threads.alive).toBe(0)
    await pool.start()
    expect(await pool.run('square', { n: 2 })).toEqual({ squared: 4 })
  })

  it('is not needed for inline agents alone', async () => {
    const pool = await pools.start({ agents: [agents.square] })
    expect(pool.stats().threads).toEqual({ alive: 0, idle: 0, target: 0 })
    expect(await pool.run('square', { n: 3 })).toEqual({ squared: 9 })
  })
})

describe('recycling', () => {
  it('replaces a thread after its share of runs, the new one first', async () => {
    const pool = await pools.start({ agents: [inThread(agents.whichThread, 'whichThread')], threads: 1, recycleAfterRuns: 2 })
    const recycled = nextEvent(pool, 'threadRecycled')
    const first = await pool.run('which-thread', null)
    expect(await pool.run('which-thread', null)).toBe(first)
    expect((await recycled).runs).toBe(2)
    expect(await pool.run('which-thread', null)).not.toBe(first)
    expect(pool.stats().threads.alive).toBe(1)
  })
})
