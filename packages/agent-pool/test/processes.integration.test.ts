import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { InfraError } from '@cidadao/contracts'
import { eventually } from '@cidadao/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { RemoteInfraError } from '../src/index.ts'
import * as agents from './fixtures/thread-agents.ts'
import { nextEvent, Pools, rejection, untilAtWork } from './fixtures/pool-kit.ts'

const { inProcess } = agents
const pools = new Pools()
afterEach(() => pools.stopAll())

const one = { min: 1, max: 1 }
const square = inProcess(agents.square, 'square', one)

describe('an agent in a child process', () => {
  it('runs from TypeScript source, in another process, with a typed result', async () => {
    const pool = await pools.start({ agents: [square, inProcess(agents.whichProcess, 'whichProcess', one)] })
    const { squared } = await pool.run('square', { n: 7 })
    expect(squared).toBe(49)
    expect(await pool.run('which-process', null)).not.toBe(process.pid)
    expect(pool.stats().crews).toMatchObject([
      { crew: 'square', isolation: 'process', alive: 1, min: 1, max: 1 },
      { crew: 'which-process' },
    ])
  })

  it('carries large results and values that JSON does not know', async () => {
    const pool = await pools.start({ agents: [inProcess(agents.echo, 'echo', one)] })
    const large = { text: 'ação '.repeat(100_000), at: new Date(0), big: 2n ** 80n }
    expect(await pool.run('echo', large)).toEqual(large)
  })

  it('keeps class name, code, facts and causes of its error across the process boundary', async () => {
    const pool = await pools.start({ agents: [inProcess(agents.throwsOwn, 'throwsOwn', one)] })
    const own = (await rejection(pool.run('throws-own', null))).cause as InfraError
    expect(own).toBeInstanceOf(RemoteInfraError)
    expect(own).toMatchObject({ name: 'SourceGoneError', code: 'PROC_SOURCE_GONE', facts: { file: 'a.csv', attempts: 2 } })
    expect((own.cause as Error).cause).toMatchObject({ name: 'RangeError', message: 'root' })
  })

  it('that is given what cannot enter a process is an invalid input, and the process lives', async () => {
    const pool = await pools.start({ agents: [inProcess(agents.echo, 'echo', one)] })
    expect(await rejection(pool.run('echo', { f: () => 1 }))).toMatchObject({ code: 'AGENT_POOL_INPUT_INVALID' })
    expect(await pool.run('echo', 1)).toBe(1)
  })

  it('that returns the wrong shape, or what cannot leave, is an invalid output', async () => {
    const pool = await pools.start({
      agents: [inProcess(agents.wrongShape, 'wrongShape', one), inProcess(agents.returnsFunction, 'returnsFunction', one)],
    })
    expect(await rejection(pool.run('wrong-shape', null))).toMatchObject({ code: 'AGENT_POOL_OUTPUT_INVALID' })
    expect(await rejection(pool.run('returns-function', null))).toMatchObject({ code: 'AGENT_POOL_OUTPUT_INVALID' })
  })

  it('is killed in an endless loop within the grace period, and its successor works', async () => {
    const pool = await pools.start({ agents: [inProcess(agents.spin, 'spin', one)], cancelGraceMs: 100 })
    const abort = new AbortController()
    const { result } = await untilAtWork(pool, 'spin', { signal: abort.signal })
    const restarted = nextEvent(pool, 'threadStarted')
    abort.abort(new Error('enough'))
    expect(await rejection(result)).toMatchObject({ code: 'AGENT_POOL_CANCELLED', cause: { message: 'enough' } })
    expect(await restarted).toEqual({ crew: 'spin', threads: 1 })
  })

  it('that floods progress is thinned, the newest last', async () => {
    const pool = await pools.start({ agents: [inProcess(agents.floods, 'floods', one)], progressIntervalMs: 20 })
    const seen: unknown[] = []
    await pool.run('floods', { reports: 200_000 }, { onProgress: (progress) => seen.push(progress) })
    expect(seen.at(-1)).toEqual({ done: 200_000 })
    expect(seen.length).toBeLessThan(2_000)
  })
})

describe('an agent that takes its process down', () => {
  const deaths = [
    { title: 'runs out of heap', agent: inProcess(agents.allocates, 'allocates', { ...one, memoryMb: 32 }), reason: 'out-of-memory' },
    { title: 'calls process.exit', agent: inProcess(agents.exits, 'exits', one), reason: 'exit', exitCode: 3 },
    { title: 'leaves a stray rejection', agent: inProcess(agents.stray, 'stray', one), reason: 'uncaught-error' },
  ]
  for (const { title, agent, reason, exitCode } of deaths) {
    it(`crashes alone when it ${title}, and is replaced`, async () => {
      const pool = await pools.start({ agents: [agent, square] })
      const replaced = nextEvent(pool, 'threadStarted')
      const error = await rejection(pool.run(agent.name, null))
      expect(error).toMatchObject({ code: 'AGENT_POOL_AGENT_CRASHED', facts: { agent: agent.name, reason } })
      if (exitCode !== undefined) expect(error).toMatchObject({ facts: { exitCode } })
      expect((await replaced).crew).toBe(agent.name)
      expect(await pool.run('square', { n: 5 })).toEqual({ squared: 25 })
    })
  }

  it.skipIf(process.platform !== 'linux')('is killed where it fills buffers, which no bound on the heap sees (needs /proc)', async () => {
    const pool = await pools.start({ agents: [inProcess(agents.allocatesBuffers, 'allocatesBuffers', { ...one, memoryMb: 32 })] })
    expect(await rejection(pool.run('allocates-buffers', null))).toMatchObject({ facts: { reason: 'out-of-memory' } })
  })
})

describe('the process of a pool', () => {
  it('that is killed leaves no child behind, not even one in an endless loop', async () => {
    const script = fileURLToPath(new URL('./fixtures/orphan-maker.ts', import.meta.url))
    // It kills itself once its child is at work, and says before who that is.
    const parent = await promisify(execFile)(process.execPath, ['--conditions=@cidadao/source', script]).catch(
      (thrown: unknown) => thrown as { readonly stdout: string; readonly signal: string },
    )
    expect(parent).toMatchObject({ signal: 'SIGKILL' })
    const child = Number(parent.stdout)
    expect(child).toBeGreaterThan(0)
    await eventually(() => expect(isAlive(child)).toBe(false), { deadlineMs: 15_000 })
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'ESRCH' })
    return false
  }
}
