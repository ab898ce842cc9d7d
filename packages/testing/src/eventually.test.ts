import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'

describe('eventually', () => {
  it('returns what the assertion returns, as soon as it does not throw', async () => {
    const clock = new TestClock()
    let tries = 0
    const outcome = eventually(
      () => {
        tries += 1
        if (tries < 3) throw new Error('not yet')
        return 'now'
      },
      { deadlineMs: 1_000, intervalMs: 10, clock },
    )
    await clock.advance(20)
    expect([await outcome, tries]).toEqual(['now', 3])
    expect(clock.pendingTimers).toBe(0)
  })

  it('fails at the deadline with the last failure as cause', async () => {
    const clock = new TestClock()
    let tries = 0
    const outcome = eventually(() => Promise.reject(new Error(`try ${String(++tries)}`)), { deadlineMs: 100, intervalMs: 30, clock })
    const failed = expect(outcome).rejects.toMatchObject({
      code: 'TESTING_EVENTUALLY_TIMEOUT',
      message: 'did not hold within 100 ms: try 4',
      cause: { message: 'try 4' },
    })
    await clock.advance(100)
    await failed
    expect(clock.pendingTimers).toBe(0)
  })

  it('fails at the deadline while a try hangs', async () => {
    const clock = new TestClock()
    const outcome = eventually(() => new Promise(() => {}), { deadlineMs: 50, clock })
    const failed = expect(outcome).rejects.toThrow('did not hold within 50 ms: the first try did not end')
    await clock.advance(50)
    await failed
  })
})
