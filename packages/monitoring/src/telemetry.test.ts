import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { createTelemetry } from './telemetry.ts'

function setUp() {
  const clock = new TestClock()
  const lines: string[] = []
  let flushes = 0
  const telemetry = createTelemetry({
    build: { version: '1.2.3', revision: 'abc' },
    clock,
    logger: {
      destination: {
        write: (line) => lines.push(line),
        flush: () => {
          flushes += 1
        },
      },
    },
    health: { jitterRatio: 0 },
  })
  return { clock, lines, telemetry, flushes: () => flushes }
}

describe('createTelemetry', () => {
  it('shows the health of a check as a metric', async () => {
    const { clock, telemetry } = setUp()
    telemetry.health.register({ name: 'redis', critical: false, timeoutMs: 100, check: () => ({ status: 'warn' }) })
    await telemetry.start()
    await clock.advance(0)
    const { body } = await telemetry.metrics.expose()
    expect(body).toContain('health_check_status{check="redis"} 0.5')
    expect(body).toContain('health_check_duration_seconds_count{check="redis"} 1')
    await telemetry.stop()
  })

  it('says what runs', async () => {
    const { telemetry } = setUp()
    const { body } = await telemetry.metrics.expose()
    expect(body).toContain(`build_info{version="1.2.3",revision="abc",node_version="${process.versions.node}"} 1`)
  })

  it('logs what a report must not show, redacted', async () => {
    const { clock, lines, telemetry } = setUp()
    telemetry.health.register({
      name: 'db',
      critical: true,
      timeoutMs: 100,
      check: () => {
        throw new Error('connect postgresql://app:hunter2@db failed')
      },
    })
    await telemetry.start()
    await clock.advance(0)
    expect(lines.join('')).toContain('postgresql://***@db')
    expect(lines.join('')).not.toContain('hunter2')
    await telemetry.stop()
  })

  it('stops everything, the logger last: no timer stays and the log is flushed', async () => {
    const { clock, telemetry, flushes } = setUp()
    await telemetry.start()
    await telemetry.stop()
    expect(clock.pendingTimers).toBe(0)
    expect(flushes()).toBe(1)
  })
})
