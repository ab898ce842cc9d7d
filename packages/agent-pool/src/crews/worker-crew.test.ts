import { describe, expect, it } from 'vitest'
import { CrewRig, type CrewTuning } from '../../test/fixtures/scripted-crew.ts'
import { settle } from '../../test/fixtures/pool-kit.ts'

async function started(tuning?: CrewTuning): Promise<CrewRig> {
  const rig = new CrewRig(tuning)
  await rig.crew.start()
  return rig
}

/** Load that comes: runs wait, and the crew is told. */
async function wait(rig: CrewRig, waiting: number): Promise<void> {
  rig.waiting = waiting
  rig.crew.noteDemand()
  await settle()
}

describe('scaling a crew', () => {
  it('grows with the depth of the queue, at once and up to its most', async () => {
    const rig = await started()
    rig.acquire()
    await wait(rig, 3)
    expect(rig.crew.size).toBe(2)
    await wait(rig, 100)
    expect(rig.crew.size).toBe(4)
  })

  it('grows where runs wait too long, though the queue is not deep', async () => {
    const rig = await started({ scaling: { runsPerWorker: 100 } })
    rig.acquire()
    await wait(rig, 3)
    expect(rig.crew.size).toBe(1)
    rig.waitedMs = [700, 800, 900]
    await rig.clock.advance(1_000)
    expect(rig.crew.size).toBe(2)
    await rig.clock.advance(1_000)
    expect(rig.crew.size).toBe(4)
  })

  it('starts from nothing where the least is nothing', async () => {
    const rig = await started({ scaling: { min: 0 } })
    expect(rig.crew.size).toBe(0)
    expect(rig.crew.roomFor('a')).toBe(4)
    await wait(rig, 1)
    expect(rig.crew.size).toBe(1)
  })

  it('ends workers that have been idle long, but none that the stabilisation window still needs', async () => {
    const rig = await started()
    rig.acquire()
    await wait(rig, 7)
    expect(rig.crew.size).toBe(4)
    rig.waiting = 0
    await rig.clock.advance(9_000)
    expect(rig.heard).toEqual([])
    await rig.clock.advance(3_000)
    expect(rig.crew.size).toBe(1)
    expect(rig.worker(2).disposed).toBe(true)
  })

  it('does not end and start workers over and over where load comes in waves', async () => {
    const rig = await started()
    for (let wave = 0; wave < 10; wave++) {
      await wait(rig, 8)
      await rig.clock.advance(1_000)
      rig.waiting = 0
      await rig.clock.advance(7_000)
    }
    expect(rig.spawned).toHaveLength(4)
  })

  it('has no timer where there is nothing to look after', async () => {
    const rig = await started({ scaling: { min: 2, max: 2 } })
    expect(rig.clock.pendingTimers).toBe(0)
    await rig.crew.stop()
    expect(rig.alive).toEqual([])
  })
})

describe('recycling', () => {
  it('by age replaces one at a time, the new one first', async () => {
    const rig = await started({ scaling: { min: 2, max: 2 }, recycling: { afterMs: 10_000 } })
    await rig.clock.advance(10_000)
    expect(rig.alive).toEqual([2, 3])
    await rig.clock.advance(1_000)
    expect(rig.alive).toEqual([3, 4])
    expect(rig.heard).toEqual(['recycled 0', 'recycled 0'])
  })

  it('by memory looks at what the worker held after its run', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 }, recycling: { aboveMb: 100 } })
    await rig.runOnce()
    expect(rig.alive).toEqual([1])
    rig.worker(1).memoryBytes = 101 * 1024 * 1024
    await rig.runOnce()
    expect(rig.alive).toEqual([2])
  })

  it('by runs waits for the end of a run that is in hand', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 }, recycling: { afterMs: 5_000 } })
    const busy = rig.acquire()
    await rig.clock.advance(6_000)
    expect(rig.alive).toEqual([1, 2])
    expect(rig.crew.size).toBe(1)
    if (busy !== undefined) rig.crew.release(busy)
    await settle()
    expect(rig.alive).toEqual([2])
  })

  it('does not also replace a worker that is ended for being idle: idle and over age is once', async () => {
    const rig = await started({ scaling: { min: 0, max: 2, stabilisationMs: 1_000 }, recycling: { afterMs: 5_000 } })
    await wait(rig, 1)
    rig.waiting = 0
    await rig.clock.advance(20_000)
    expect(rig.heard).toEqual(['evicted 1'])
    expect(rig.spawned).toHaveLength(1)
  })
})

describe('supervision', () => {
  const fixed = { min: 3, max: 3 }

  it('one for one replaces the worker that died, and it alone', async () => {
    const rig = await started({ scaling: fixed })
    rig.worker(2).die()
    await settle()
    expect(rig.alive).toEqual([1, 3, 4])
    expect(rig.heard).toEqual(['died exit at rest'])
  })

  it('rest for one replaces those that were started after it too', async () => {
    const rig = await started({ scaling: fixed, supervision: { restart: 'permanent', strategy: 'rest-for-one' } })
    rig.worker(2).die()
    await settle()
    expect(rig.alive).toEqual([1, 4, 5])
    expect(rig.heard).toContain('restarted with sibling 1')
  })

  it('one for all replaces every worker, a busy one when its run is over', async () => {
    const rig = await started({ scaling: fixed, supervision: { restart: 'permanent', strategy: 'one-for-all' } })
    const busy = rig.acquire()
    rig.worker(1).die()
    await settle()
    expect(rig.alive).toEqual([3, 4, 5, 6])
    expect(rig.crew.size).toBe(3)
    if (busy !== undefined) rig.crew.release(busy)
    await settle()
    expect(rig.alive).toEqual([4, 5, 6])
  })

  it('transient leaves vacant what ended of its own accord, until a run waits for it', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 }, supervision: { restart: 'transient', strategy: 'one-for-one' } })
    rig.worker(1).die({ exitCode: 0 })
    await settle()
    expect(rig.alive).toEqual([])
    await wait(rig, 1)
    expect(rig.alive).toEqual([2])
    rig.waiting = 0
    rig.worker(2).die({ exitCode: 1 })
    await settle()
    expect(rig.alive).toEqual([3])
  })

  it('temporary replaces nobody, until a run waits for it', async () => {
    const rig = await started({ scaling: { min: 2, max: 2 }, supervision: { restart: 'temporary', strategy: 'one-for-one' } })
    rig.worker(1).die({ reason: 'uncaught-error' })
    await rig.clock.advance(60_000)
    expect(rig.alive).toEqual([2])
    rig.acquire()
    await wait(rig, 2)
    expect(rig.alive).toEqual([2, 3])
  })

  it('spaces out replacements, doubling with jitter, where too many die too soon', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 } })
    for (let death = 1; death <= 3; death++) {
      rig.worker(death).die()
      await settle()
    }
    expect(rig.alive).toEqual([4])
    rig.worker(4).die()
    await settle()
    expect(rig.alive).toEqual([])
    await rig.clock.advance(187)
    expect(rig.alive).toEqual([])
    await rig.clock.advance(1)
    expect(rig.alive).toEqual([5])
    rig.worker(5).die()
    await rig.clock.advance(374)
    expect(rig.alive).toEqual([])
    await rig.clock.advance(1)
    expect(rig.alive).toEqual([6])
  })

  it('tries again later where a replacement does not come up', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 } })
    rig.failStarts = 2
    rig.worker(1).die()
    await settle()
    expect(rig.heard).toEqual(['died exit at rest', 'start failed 188'])
    expect(rig.crew.target).toBe(1)
    await rig.clock.advance(188 + 375)
    expect(rig.alive).toEqual([2])
  })

  it('waits for no replacement once it is stopped', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 } })
    rig.failStarts = 1
    rig.worker(1).die()
    await settle()
    await rig.crew.stop()
    expect(rig.clock.pendingTimers).toBe(0)
    await rig.crew.start()
    expect(rig.crew).toMatchObject({ size: 1, target: 1 })
  })
})

describe('probing', () => {
  it('kills a worker at rest that does not answer, and replaces it', async () => {
    const rig = await started({ scaling: { min: 2, max: 2 }, probeIntervalMs: 5_000 })
    rig.worker(1).answersProbes = false
    await rig.clock.advance(6_000)
    expect(rig.alive).toEqual([2, 3])
    expect(rig.heard).toEqual(['unresponsive', 'died killed at work'])
  })

  it('gives no run to a worker whose agent is not ready, until it is', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 }, probeIntervalMs: 1_000 })
    rig.worker(1).unready = ['a']
    await rig.clock.advance(1_000)
    expect(rig.crew.hasIdleFor('a')).toBe(false)
    expect(rig.crew.hasIdleFor('b')).toBe(true)
    expect(rig.crew.unready).toEqual(['a'])
    rig.worker(1).unready = []
    await rig.clock.advance(1_000)
    expect(rig.crew.hasIdleFor('a')).toBe(true)
  })

  it('leaves a worker alone that has a run', async () => {
    const rig = await started({ scaling: { min: 1, max: 1 }, probeIntervalMs: 1_000 })
    rig.worker(1).answersProbes = false
    rig.acquire()
    await rig.clock.advance(60_000)
    expect(rig.alive).toEqual([1])
  })
})

describe('routing', () => {
  const scaling = { min: 4, max: 4 }

  it('to the most recent keeps one busy and lets the others rest', async () => {
    const rig = await started({ scaling })
    const first = await rig.runOnce()
    expect([await rig.runOnce(), await rig.runOnce()]).toEqual([first, first])
  })

  it('round robin takes them in turn', async () => {
    const rig = await started({ scaling, route: 'round-robin' })
    const used = [await rig.runOnce(), await rig.runOnce(), await rig.runOnce(), await rig.runOnce(), await rig.runOnce()]
    expect(used).toEqual([1, 2, 3, 4, 1])
  })

  it('to the least used evens out what was uneven', async () => {
    const rig = await started({ scaling: { min: 2, max: 2 }, route: 'least-runs' })
    const used = [await rig.runOnce(), await rig.runOnce(), await rig.runOnce(), await rig.runOnce()]
    expect(used.filter((number) => number === 1)).toHaveLength(2)
  })

  it('at random follows the numbers it is given', async () => {
    const rig = await started({ scaling, route: 'random', random: () => 0.99 })
    expect(await rig.runOnce()).toBe(4)
  })

  it('by key goes to the same worker while that is free, and spreads keys over all', async () => {
    const rig = await started({ scaling })
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`)
    const homes = new Map<string, number>()
    for (const key of keys) homes.set(key, await rig.runOnce(key))
    expect(new Set(homes.values()).size).toBe(4)
    for (const key of keys.toReversed()) expect(await rig.runOnce(key)).toBe(homes.get(key))
  })

  it('by key moves only the keys of a worker that is gone', async () => {
    const rig = await started({ scaling })
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`)
    const homes = new Map<string, number>()
    for (const key of keys) homes.set(key, await rig.runOnce(key))
    rig.failStarts = 1
    rig.worker(2).die()
    await settle()
    for (const key of keys) if (homes.get(key) !== 2) expect(await rig.runOnce(key)).toBe(homes.get(key))
  })
})
