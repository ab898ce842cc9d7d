import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@cidadao/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { createAgentPool } from '../src/index.ts'
import * as agents from './fixtures/thread-agents.ts'
import { nextEvent, Pools, rejection, untilAtWork } from './fixtures/pool-kit.ts'

const { inProcess, inThread } = agents
const pools = new Pools()
afterEach(() => pools.stopAll())
const one = { min: 1, max: 1 }
const kinds = [
  { where: 'a thread', put: inThread },
  { where: 'a child process', put: inProcess },
]

for (const { where, put } of kinds) {
  describe(`an agent in ${where}`, () => {
    it('is set up once, before the pool is ready, and gives back what it holds when the pool stops', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'agent-pool-'))
      const pool = await pools.start({ agents: [put(agents.moody, 'moody', one)], cancelGraceMs: 5_000 })
      const marker = join(folder, 'disposed')
      expect(await pool.run('moody', { upset: false, marker })).toMatchObject({ setUp: 1 })
      expect(await pool.run('moody', { upset: false })).toMatchObject({ setUp: 1 })
      await pool.stop()
      expect(await readFile(marker, 'utf8')).toBe('disposed')
      await rm(folder, { recursive: true })
    })

    it('that cannot be set up fails the start, and leaves no worker', async () => {
      const pool = createAgentPool({ agents: [put(agents.failsToSetUp, 'failsToSetUp', one)] })
      expect((await rejection(pool.start())).message).toContain('no key for the portal')
      expect(pool.stats().crews[0]).toMatchObject({ alive: 0 })
    })

    it('that is not ready is given no run until it is, and shows in health', async () => {
      const pool = await pools.start({ agents: [put(agents.moody, 'moody', one)], probeIntervalMs: 10, upkeepMs: 300 })
      const unready = nextEvent(pool, 'agentUnready')
      await pool.run('moody', { upset: true })
      expect(await unready).toMatchObject({ agent: 'moody', error: { name: 'BrokenFileError', message: 'not in the mood' } })
      expect(pool.health()).toMatchObject({ status: 'warn', problems: [{ kind: 'agent-unready', agent: 'moody' }] })
      expect(pool.capacity('moody')).toBe(0)
      // Waiting, not failing: the next probe finds it calm.
      expect(await pool.run('moody', { upset: false })).toMatchObject({ setUp: 1 })
      expect(pool.health()).toEqual({ status: 'pass', problems: [] })
    })

    it('that freezes its worker after a run is found out by a probe, killed and replaced', async () => {
      const pool = await pools.start({
        agents: [put(agents.freezes, 'freezes', one)],
        probeIntervalMs: 50,
        probeTimeoutMs: 3_000,
        upkeepMs: 50,
      })
      const found = nextEvent(pool, 'workerUnresponsive')
      await pool.run('freezes', null)
      expect(await found).toEqual({ crew: 'freezes' })
      await eventually(() => expect(pool.stats().crews[0]).toMatchObject({ alive: 1 }), { deadlineMs: 15_000 })
    })

    it('is held to its budget, by resource', async () => {
      const pool = await pools.start({ agents: [put(agents.spends, 'spends', one)] })
      expect(await pool.run('spends', [3, 4], { budget: { calls: 7 } })).toBe(2)
      const error = await rejection(pool.run('spends', [3, 4, 1], { budget: { calls: 7 } }))
      expect(error).toMatchObject({ code: 'AGENT_POOL_BUDGET_EXCEEDED', facts: { resource: 'calls', limit: 7, wanted: 8 } })
    })

    it('asks the pool before it calls an upstream, and waits its turn', async () => {
      const pool = await pools.start({
        agents: [put(agents.calls, 'calls', one)],
        rateLimits: { portal: { perSecond: 20, burst: 2 } },
      })
      const startedAt = performance.now()
      expect(await pool.run('calls', { times: 6 })).toBe(6)
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195)
    })

    it('that waits for an upstream is told when it is to stop', async () => {
      const pool = await pools.start({
        agents: [put(agents.calls, 'calls', one)],
        rateLimits: { portal: { perSecond: 0.001, burst: 1 } },
        cancelGraceMs: 10_000,
      })
      const abort = new AbortController()
      const result = rejection(pool.run('calls', { times: 2 }, { signal: abort.signal, onProgress: () => abort.abort() }))
      expect(await result).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
      expect(pool.stats().crews[0]).toMatchObject({ alive: 1 })
    })
  })
}

describe('a crew of real threads', () => {
  it('grows for waiting runs, and ends what is idle', async () => {
    const pool = await pools.start({
      agents: [inThread(agents.never, 'never')],
      threads: 3,
      minThreads: 0,
      scaling: { runsPerWorker: 1, stabilisationMs: 100, idleEvictMs: 100 },
      upkeepMs: 50,
      cancelGraceMs: 0,
    })
    expect(pool.capacity('never')).toBe(3)
    const evicted = nextEvent(pool, 'workersEvicted')
    const abort = new AbortController()
    const runs = await Promise.all([1, 2].map(() => untilAtWork(pool, 'never', { signal: abort.signal })))
    expect(pool.stats().threads).toMatchObject({ alive: 2 })
    abort.abort()
    for (const { result } of runs) expect(await rejection(result)).toMatchObject({ code: 'AGENT_POOL_CANCELLED' })
    expect((await evicted).crew).toBe('threads')
  })

  it('replaces a thread that holds too much after its run', async () => {
    const pool = await pools.start({ agents: [inThread(agents.hoards, 'hoards', one)], recycleAboveMb: 128 })
    const light = await pool.run('hoards', { mb: 1 })
    expect(await pool.run('hoards', { mb: 1 })).toBe(light)
    const recycled = nextEvent(pool, 'threadRecycled')
    await pool.run('hoards', { mb: 200 })
    expect(await recycled).toMatchObject({ crew: 'hoards', runs: 3 })
    expect(await pool.run('hoards', { mb: 1 })).not.toBe(light)
  })
})
