import { describe, expect, it } from 'vitest'
import type { RunPriority } from '../run-options.ts'
import { RunQueue, type QueueEntry } from './run-queue.ts'
import { TenantRing } from './tenant-ring.ts'

let sequence = 0
function entry(parts: Partial<QueueEntry> = {}): QueueEntry {
  return { agent: 'a', tenant: '', priority: 'normal', cost: 1, submittedMs: 0, sequence: ++sequence, ...parts }
}
const anyone = (): boolean => true

function drained(queue: RunQueue<QueueEntry>, nowMs = 0): QueueEntry[] {
  const taken: QueueEntry[] = []
  for (let next = queue.take(nowMs, anyone); next !== undefined; next = queue.take(nowMs, anyone)) taken.push(next)
  return taken
}

describe('RunQueue', () => {
  it('gives equals back in order, across agents', () => {
    const queue = new RunQueue(1_000)
    const entries = [entry(), entry({ agent: 'b' }), entry(), entry({ agent: 'b' })]
    for (const each of entries) queue.push(each)
    expect(drained(queue)).toEqual(entries)
    expect(queue.size).toBe(0)
  })

  it('passes over agents that may not run now, and keeps their place', () => {
    const queue = new RunQueue(1_000)
    const [blocked, free] = [entry({ agent: 'blocked', priority: 'critical' }), entry({ agent: 'free', priority: 'low' })]
    queue.push(blocked)
    queue.push(free)
    expect(queue.take(0, (agent) => agent === 'free')).toBe(free)
    expect(queue.take(0, (agent) => agent === 'free')).toBeUndefined()
    expect(queue.take(0, anyone)).toBe(blocked)
  })

  it('raises a waiting run one class each ageing period, and lets it go before younger ones of that class', () => {
    const order = (lowSubmittedMs: number): RunPriority[] => {
      const queue = new RunQueue(100)
      queue.push(entry({ priority: 'low', submittedMs: lowSubmittedMs }))
      queue.push(entry({ priority: 'high', submittedMs: 1_000 }))
      return drained(queue, 1_000).map(({ priority }) => priority)
    }
    expect(order(801)).toEqual(['high', 'low'])
    expect(order(800)).toEqual(['low', 'high'])
  })

  it('takes turns between tenants, in the order in which they came', () => {
    const queue = new RunQueue(1_000)
    for (const tenant of ['x', 'x', 'x', 'y', 'z', 'y']) queue.push(entry({ tenant }))
    expect(drained(queue).map(({ tenant }) => tenant)).toEqual(['x', 'y', 'z', 'x', 'y', 'x'])
  })

  it('takes turns between tenants also where they wait for different agents', () => {
    const queue = new RunQueue(1_000)
    for (let i = 0; i < 100; i++) queue.push(entry({ tenant: 'flooder', agent: 'a' }))
    queue.push(entry({ tenant: 'modest', agent: 'b' }))
    expect(
      drained(queue)
        .slice(0, 2)
        .map(({ tenant }) => tenant),
    ).toContain('modest')
  })

  it('forgets what is deleted, whole tenants included', () => {
    const queue = new RunQueue<QueueEntry>(1_000)
    const [first, second, third] = [entry({ tenant: 'x' }), entry({ tenant: 'x' }), entry({ tenant: 'y' })]
    for (const each of [first, second, third]) queue.push(each)
    expect(queue.delete(second)).toBe(true)
    expect(queue.delete(second)).toBe(false)
    expect(queue.delete(third)).toBe(true)
    expect(queue.countOf('a', 'x')).toBe(1)
    expect([...queue]).toEqual([first])
    expect(drained(queue)).toEqual([first])
  })

  it('keeps order when runs leave from the front, the middle and the end', () => {
    const queue = new RunQueue<QueueEntry>(1_000)
    const entries = Array.from({ length: 6 }, () => entry())
    for (const each of entries) queue.push(each)
    for (const index of [0, 3, 5]) queue.delete(entries[index] ?? entry())
    const late = entry()
    queue.push(late)
    expect(drained(queue)).toEqual([entries[1], entries[2], entries[4], late])
  })
})

describe('TenantRing', () => {
  it('shares by cost: dear runs get fewer turns', () => {
    const ring = new TenantRing()
    ring.add('dear')
    ring.add('cheap')
    const costs = new Map([
      ['dear', 4],
      ['cheap', 1],
    ])
    const served = Array.from({ length: 50 }, () => ring.next(costs))
    expect(served.filter((tenant) => tenant === 'dear')).toHaveLength(10)
  })

  it('does not turn a million times for a cost of a million', () => {
    const ring = new TenantRing()
    ring.add('x')
    const startedAt = performance.now()
    for (let i = 0; i < 100; i++) expect(ring.next(new Map([['x', 1_000_000]]))).toBe('x')
    expect(performance.now() - startedAt).toBeLessThan(200)
  })

  it('knows nobody whose turn it is where nobody can run', () => {
    const ring = new TenantRing()
    ring.add('x')
    expect(ring.next(new Map())).toBeUndefined()
  })
})
