import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { Budget } from './budget.ts'

function setUp() {
  const clock = new TestClock()
  const budget = new Budget(clock, 50)
  const hang = () => {
    const settled = Promise.withResolvers<string>()
    const { outcome } = budget.run(() => settled.promise)
    const seen: unknown[] = []
    outcome.then(
      (value) => seen.push(value),
      (error: unknown) => seen.push((error as Error).message),
    )
    return { ...settled, seen }
  }
  return { clock, budget, hang }
}

const SPENT = 'no answer within 50 ms'

describe('a budget', () => {
  it('gives each operation its own full time, though they share a timer', async () => {
    const { clock, hang } = setUp()
    const first = hang()
    await clock.advance(30)
    const second = hang()
    await clock.advance(21)
    expect([first.seen, second.seen]).toEqual([[SPENT], []])
    await clock.advance(29)
    expect(second.seen).toEqual([])
    await clock.advance(1)
    expect(second.seen).toEqual([SPENT])
  })

  it('lets an answer count that was already there when a blocked process came to its timers', async () => {
    const { clock, hang } = setUp()
    const late = hang()
    await clock.advance(50)
    late.resolve('in time')
    await clock.advance(10)
    expect(late.seen).toEqual(['in time'])
  })

  it('passes on outcomes as they are and holds one timer for all', async () => {
    const { clock, budget } = setUp()
    const error = new Error('no')
    const runs = Array.from({ length: 100 }, (_, index) => budget.run(async () => index).outcome)
    expect(clock.pendingTimers).toBe(1)
    expect(await Promise.all(runs)).toHaveLength(100)
    await expect(budget.run(() => Promise.reject(error)).outcome).rejects.toBe(error)
    const throwing = (): Promise<never> => {
      throw error
    }
    await expect(budget.run(throwing).outcome).rejects.toBe(error)
  })

  it('leaves no timer behind when nothing runs, by itself or when stopped', async () => {
    const { clock, budget, hang } = setUp()
    await budget.run(async () => 1).outcome
    budget.stop()
    expect(clock.pendingTimers).toBe(0)
    await budget.run(async () => 1).outcome
    await clock.advance(60)
    expect(clock.pendingTimers).toBe(0)
    const hanging = hang()
    budget.stop()
    await clock.advance(51)
    expect([hanging.seen, clock.pendingTimers]).toEqual([[SPENT], 0])
  })
})
