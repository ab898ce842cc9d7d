import { delay, systemClock } from '@cidadao/contracts'
import { eventually, testRedis, testRedisCluster } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCacheProcess, type CacheProcess } from './cache-process.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

interface Loaded {
  readonly runs: number
  readonly values: readonly unknown[]
}

const LEASE_MS = 1_000
const DEADLINE = { deadlineMs: 20_000 }

function single() {
  const { hostname, port, password } = new URL(testRedis().url)
  return { nodes: [{ host: hostname, port: Number(port) }], password: password === '' ? null : password }
}

describe.each([
  ['single', single],
  ['cluster', testRedisCluster],
] as const)('four processes on Redis %s', (mode, servers) => {
  let processes: readonly CacheProcess[] = []
  const environment = `processes-${mode}-${process.pid}`
  const start = (): Promise<CacheProcess> => startCacheProcess({ ...servers(), environment, leaseMs: LEASE_MS })
  const everyGet = (key: string): Promise<unknown[]> => Promise.all(processes.map((each) => each.ask({ do: 'get', key })))
  const at = (index: number): CacheProcess => {
    const found = processes[index]
    if (found === undefined) throw new Error('no such process')
    return found
  }

  beforeAll(async () => {
    processes = await Promise.all([start(), start(), start(), start()])
  }, 60_000)
  afterAll(() => Promise.all(processes.map((each) => each.kill())))

  it('run one factory for ten thousand cold callers', async () => {
    const loaded = (await Promise.all(
      processes.map((each) => each.ask({ do: 'load', key: 'cold', callers: 2_500, factoryMs: 300 })),
    )) as readonly Loaded[]
    expect(loaded.reduce((sum, { runs }) => sum + runs, 0)).toBe(1)
    expect(new Set(loaded.flatMap(({ values }) => values)).size).toBe(1)
  })

  it('hear of each other’s deletes, sets, tags and clears', async () => {
    const changes = [
      (): Promise<unknown> => at(0).ask({ do: 'delete', key: 'k' }),
      (): Promise<unknown> => at(1).ask({ do: 'set', key: 'k', value: 'new' }),
      (): Promise<unknown> => at(2).ask({ do: 'invalidate-tags', tags: ['x'] }),
      (): Promise<unknown> => at(3).ask({ do: 'clear' }),
    ]
    for (const change of changes) {
      await at(0).ask({ do: 'set', key: 'k', value: 'old', tags: ['x'] })
      await eventually(async () => expect(await everyGet('k')).toEqual(['old', 'old', 'old', 'old']), DEADLINE)
      expect(await change()).toMatchObject({ outcome: 'done' })
      await eventually(async () => expect(await everyGet('k')).not.toContain('old'), DEADLINE)
    }
  })

  it('2: store nothing of a factory that a tag invalidated meanwhile in another process', async () => {
    const loading = at(0).ask({ do: 'load', key: 'tagged', callers: 10, factoryMs: 800, tags: ['t'] })
    // Its answer to a later order shows that the load has been begun.
    await at(0).ask({ do: 'get', key: 'another' })
    await at(1).ask({ do: 'invalidate-tags', tags: ['t'] })
    expect(((await loading) as Loaded).runs).toBeGreaterThanOrEqual(1)
    expect(await everyGet('tagged')).toEqual(['miss', 'miss', 'miss', 'miss'])
  })

  it('16: take over from a process that was killed while it loaded', async () => {
    const victim = await start()
    const lost = victim.ask({ do: 'load', key: 'orphan', callers: 1, factoryMs: 60_000 })
    lost.catch(() => {})
    // Its answer to a later order shows that the load has been begun.
    await victim.ask({ do: 'get', key: 'another' })
    await victim.kill()
    const loaded = (await Promise.all(
      processes.map((each) => each.ask({ do: 'load', key: 'orphan', callers: 100, factoryMs: 50 })),
    )) as readonly Loaded[]
    expect(loaded.reduce((sum, { runs }) => sum + runs, 0)).toBe(1)
  })

  it('do not serve, after a pause, what was invalidated while they slept', async () => {
    const sleeper = await start()
    await at(0).ask({ do: 'set', key: 'slept', value: 'old' })
    expect(await sleeper.ask({ do: 'get', key: 'slept' })).toBe('old')
    sleeper.pause()
    await at(0).ask({ do: 'delete', key: 'slept' })
    // Longer than memory is believed without asking.
    await delay(systemClock, 3_500)
    sleeper.resume()
    expect(await sleeper.ask({ do: 'get', key: 'slept' })).toBe('miss')
    await sleeper.kill()
  })
})
