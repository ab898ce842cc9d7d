import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { LockTimeoutError } from '../errors/statement-errors.ts'
import { createMetricRetention } from './metric-retention.ts'
import type { MetricMaintenance, MetricMaintenanceOptions } from './metric-store.ts'

const NOTHING: MetricMaintenance = { outcome: 'done', made: [], dropped: [], moved: 0, deleted: 0 }

describe('the retention of metrics', () => {
  it('runs at the start and then at each interval, with the age told in days', async () => {
    const clock = new TestClock(new Date('2024-03-10T00:00:00.000Z'))
    const asked: MetricMaintenanceOptions[] = []
    const store = {
      maintain: async (options: MetricMaintenanceOptions) => {
        asked.push(options)
        return NOTHING
      },
    }
    const retention = createMetricRetention({ store, clock, keepDays: 10, monthsAhead: 1, everyMs: 1_000 })
    await retention.start()
    await clock.advance(2_000)
    expect(asked).toHaveLength(3)
    expect(asked[0]).toEqual({ today: new Date('2024-03-10'), monthsAhead: 1, keepFrom: new Date('2024-02-29') })
    await retention.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells of a failure and goes on', async () => {
    const clock = new TestClock()
    const told: string[] = []
    let runs = 0
    const store = {
      maintain: async () => {
        if (++runs === 1) throw new LockTimeoutError('somebody reads')
        return NOTHING
      },
    }
    const retention = createMetricRetention({ store, clock, everyMs: 1_000 })
    retention.events.on('maintenance-failed', ({ code }) => told.push(code))
    retention.events.on('maintained', ({ outcome }) => told.push(outcome))
    await retention.start()
    await clock.advance(1_000)
    await retention.stop()
    expect(told).toEqual(['DB_LOCK_TIMEOUT', 'done'])
  })
})
