import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { repeat } from './repeat.ts'

describe('repeat', () => {
  it('runs at the start and after each pause, tells of failures and goes on', async () => {
    const clock = new TestClock()
    const failures: string[] = []
    let runs = 0
    const run = async (): Promise<void> => {
      if (++runs === 2) throw new Error('once')
    }
    const service = repeat({ name: 'x', everyMs: 1_000, clock, run, onFailed: ({ message }) => failures.push(message) })
    await service.start()
    await clock.advance(2_000)
    expect({ runs, failures }).toEqual({ runs: 3, failures: ['once'] })
    await service.stop()
    await clock.advance(5_000)
    expect({ runs, pending: clock.pendingTimers }).toEqual({ runs: 3, pending: 0 })
  })

  it('tells a run under way to end when it stops, waits for it, and takes that for no failure', async () => {
    const clock = new TestClock()
    const failures: Error[] = []
    let ended = false
    const run = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended = true
          reject(signal.reason as Error)
        })
      })
    const service = repeat({ name: 'x', everyMs: 1_000, clock, run, onFailed: (error) => failures.push(error) })
    await service.start()
    await service.stop()
    expect({ ended, failures, pending: clock.pendingTimers }).toEqual({ ended: true, failures: [], pending: 0 })
  })
})
