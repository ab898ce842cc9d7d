import { afterEach, describe, expect, it, vi } from 'vitest'
import { delay, systemClock } from './clock.ts'
import { TestClock } from './test-clock.ts'

afterEach(() => vi.useRealTimers())

describe('systemClock', () => {
  it('waits longer than a native timer can, without wrapping', () => {
    vi.useFakeTimers()
    const days = 30
    const fired: string[] = []
    systemClock.schedule(days * 86_400_000, () => fired.push('fired'))
    vi.advanceTimersByTime(29 * 86_400_000)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(86_400_000)
    expect(fired).toEqual(['fired'])
  })

  it('cancels the rest of a long wait', () => {
    vi.useFakeTimers()
    const fired: string[] = []
    const timer = systemClock.schedule(30 * 86_400_000, () => fired.push('fired'))
    vi.advanceTimersByTime(26 * 86_400_000)
    timer.cancel()
    vi.advanceTimersByTime(30 * 86_400_000)
    expect(fired).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('TestClock', () => {
  it('fires timers in order of time, those due together in order of start, each at its own time', async () => {
    const clock = new TestClock()
    const fired: string[] = []
    clock.schedule(20, () => fired.push(`c@${clock.monotonicMs()}`))
    clock.schedule(10, () => fired.push(`a@${clock.monotonicMs()}`))
    clock.schedule(10, () => fired.push(`b@${clock.monotonicMs()}`))
    await clock.advance(30)
    expect(fired).toEqual(['a@10', 'b@10', 'c@20'])
    expect(clock.monotonicMs()).toBe(30)
  })

  it('runs timers that were started by timers, and promise callbacks between them', async () => {
    const clock = new TestClock()
    const seen: number[] = []
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await delay(clock, 10)
        seen.push(clock.monotonicMs())
      }
    }
    const done = loop()
    await clock.advance(30)
    await done
    expect(seen).toEqual([10, 20, 30])
  })

  it('moves the wall clock alone when it jumps', () => {
    const clock = new TestClock(new Date('2024-01-31T12:00:00Z'))
    clock.jumpWallClock(-3_600_000)
    expect(clock.now().toISOString()).toBe('2024-01-31T11:00:00.000Z')
    expect(clock.monotonicMs()).toBe(0)
  })
})

describe('delay', () => {
  it('rejects with the reason of the signal and leaves no timer', async () => {
    const clock = new TestClock()
    const abort = new AbortController()
    const waiting = delay(clock, 1_000, abort.signal)
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(clock.pendingTimers).toBe(0)
  })

  it('rejects at once when the signal is already aborted', async () => {
    await expect(delay(new TestClock(), 1, AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
  })
})
