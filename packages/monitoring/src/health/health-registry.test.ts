import { InfraError, TestClock, type LogFields, type Logger } from '@cidadao/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HealthContributor, HealthObservation } from './health-check.ts'
import type { HealthRegistryOptions } from './health-options.ts'
import { createHealthRegistry, type HealthRegistry } from './health-registry.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: LogFields | undefined
}

function setUp(options: HealthRegistryOptions = {}) {
  const clock = new TestClock()
  const lines: Line[] = []
  const record = (level: string) => (message: string, fields?: LogFields) => void lines.push({ level, message, fields })
  const logger: Logger = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error'), child: () => logger }
  const health = createHealthRegistry({ clock, logger, intervalMs: 1_000, jitterRatio: 0, ...options })
  onTestFinished(async () => {
    const stopped = health.stop()
    await clock.advance(10_000)
    await stopped
  })
  return { clock, lines, health }
}

/** A check that says what the test sets, and counts its runs. */
function scripted(name: string, options: Partial<HealthContributor> = {}) {
  const script = {
    runs: 0,
    running: 0,
    mostRunning: 0,
    answer: async (): Promise<HealthObservation> => ({ status: 'pass' }),
  }
  const contributor: HealthContributor = {
    name,
    critical: true,
    timeoutMs: 300,
    ...options,
    check: async () => {
      script.runs += 1
      script.running += 1
      script.mostRunning = Math.max(script.mostRunning, script.running)
      try {
        return await script.answer()
      } finally {
        script.running -= 1
      }
    },
  }
  return { script, contributor }
}

const never = (): Promise<HealthObservation> => new Promise<HealthObservation>(() => {})

type Checks = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
function checksOf(health: HealthRegistry): Checks {
  return health.report({ details: 'full' }).body.checks as unknown as Checks
}

describe('the sampler', () => {
  it('runs a check at once, then after each interval', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db')
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    expect(script.runs).toBe(1)
    await clock.advance(3_000)
    expect(script.runs).toBe(4)
  })

  it('samples a check that is registered while it runs, and no longer one that is taken out', async () => {
    const { clock, health } = setUp()
    await health.start()
    const { script, contributor } = scripted('db')
    const unregister = health.register(contributor)
    await clock.advance(1_000)
    expect(script.runs).toBe(2)
    unregister()
    await clock.advance(5_000)
    expect(script.runs).toBe(2)
    expect(checksOf(health)).toEqual({})
  })

  it('runs the checks beside each other: three slow ones take as long as one', async () => {
    const { clock, health } = setUp()
    for (const name of ['a', 'b', 'c']) {
      health.register({
        name,
        critical: true,
        timeoutMs: 500,
        check: () => new Promise((resolve) => clock.schedule(200, () => resolve({ status: 'pass' }))),
      })
    }
    await health.start()
    await clock.advance(199)
    expect(health.report({ details: 'none' }).status).toBe('unknown')
    await clock.advance(1)
    expect(health.report({ details: 'none' }).status).toBe('pass')
  })

  it('reports a check that hangs and ignores its signal as failed after its timeout, and leaves the others alone', async () => {
    const { clock, health } = setUp()
    const hung = scripted('redis')
    hung.script.answer = never
    health.register(hung.contributor)
    const fine = scripted('db')
    health.register(fine.contributor)
    await health.start()
    await clock.advance(300)
    const checks = checksOf(health)
    expect(checks.redis?.[0]).toMatchObject({ status: 'fail', output: 'HEALTH_CHECK_TIMEOUT' })
    expect(checks['redis:responseTime']?.[0]).toMatchObject({ observedValue: 300, observedUnit: 'ms' })
    expect(checks.db?.[0]).toMatchObject({ status: 'pass' })
    await clock.advance(5_000)
    expect(fine.script.runs).toBe(6)
  })

  it('never runs a check beside itself, and counts each interval in which it still hangs as a failure', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('redis')
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    script.answer = never
    await clock.advance(60_000)
    expect(script.mostRunning).toBe(1)
    expect(script.runs).toBe(2)
    expect(Number(checksOf(health).redis?.[0]?.failuresInRow)).toBeGreaterThan(30)
    expect(health.livez().status).toBe('pass')
  })

  it('goes on when a hung check settles after all, and says so in the log', async () => {
    const { clock, health, lines } = setUp()
    const { script, contributor } = scripted('redis')
    let release: (observation: HealthObservation) => void = () => {}
    script.answer = () => new Promise((resolve) => (release = resolve))
    health.register(contributor)
    await health.start()
    await clock.advance(3_000)
    script.answer = async () => ({ status: 'pass' })
    release({ status: 'pass' })
    await clock.advance(3_000)
    expect(checksOf(health).redis?.[0]).toMatchObject({ status: 'pass' })
    expect(lines.filter((line) => line.message === 'health check settled after its timeout')).toHaveLength(1)
  })

  it('aborts the signal of a check that takes too long, with the reason', async () => {
    const { clock, health } = setUp()
    const reasons: unknown[] = []
    health.register({
      name: 'db',
      critical: true,
      timeoutMs: 300,
      check: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            reject(signal.reason as Error)
          })
        }),
    })
    await health.start()
    await clock.advance(300)
    expect(reasons).toEqual([expect.objectContaining({ code: 'MONITORING_HEALTH_CHECK_TIMEOUT', facts: { check: 'db', timeoutMs: 300 } })])
  })

  it('spreads its runs by the jitter, and measures durations by the monotonic clock', async () => {
    const { clock, health } = setUp({ jitterRatio: 0.1, random: () => 1 })
    const { script, contributor } = scripted('db')
    script.answer = () => new Promise((resolve) => clock.schedule(50, () => resolve({ status: 'pass' })))
    const durations: number[] = []
    health.on('sampled', ({ durationMs }) => durations.push(durationMs))
    health.register(contributor)
    await health.start()
    clock.jumpWallClock(-3_600_000)
    await clock.advance(50 + 1_099)
    expect(script.runs).toBe(1)
    await clock.advance(1)
    expect(script.runs).toBe(2)
    clock.jumpWallClock(7_200_000)
    await clock.advance(50)
    expect(durations).toEqual([50, 50])
  })

  it('stops: no timer stays, a running check is aborted, and one that ignores it is not waited for longer than the grace', async () => {
    const { clock, health } = setUp({ stopGraceMs: 100 })
    const { script, contributor } = scripted('redis')
    script.answer = never
    health.register(contributor)
    await health.start()
    let stopped = false
    const stopping = health.stop().then(() => (stopped = true))
    await clock.advance(99)
    expect(stopped).toBe(false)
    await clock.advance(1)
    await stopping
    expect(clock.pendingTimers).toBe(0)
  })

  it('does not take the late answer of a run that was stopped for one of the next', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('redis')
    let release: (observation: HealthObservation) => void = () => {}
    script.answer = () => new Promise((resolve) => (release = resolve))
    health.register(contributor)
    await health.start()
    const stopping = health.stop()
    await clock.advance(1_000)
    await stopping
    await health.start()
    await clock.advance(0)
    script.answer = async () => ({ status: 'pass' })
    release({ status: 'warn' })
    await clock.advance(0)
    expect(checksOf(health).redis?.[0]).toMatchObject({ lastSample: 'fail', output: 'HEALTH_CHECK_TIMEOUT' })
    await clock.advance(2_000)
    expect(checksOf(health).redis?.[0]).toMatchObject({ status: 'pass' })
  })

  it('starts again after it was stopped', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db')
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    await health.stop()
    await clock.advance(10_000)
    expect(script.runs).toBe(1)
    await health.start()
    await clock.advance(1_000)
    expect(script.runs).toBe(3)
  })

  it('tells when every check has run once', async () => {
    const { clock, health } = setUp()
    const slow = scripted('db')
    slow.script.answer = () => new Promise((resolve) => clock.schedule(100, () => resolve({ status: 'pass' })))
    health.register(slow.contributor)
    health.register(scripted('redis').contributor)
    await health.start()
    let done = false
    const sampled = health.sampled().then(() => (done = true))
    await clock.advance(99)
    expect(done).toBe(false)
    await clock.advance(1)
    await sampled
    const abort = new AbortController()
    health.register({ name: 'late', critical: false, timeoutMs: 100, check: never })
    const waiting = health.sampled(abort.signal)
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  it('does not wait for a check that is taken out, nor beyond its own end', async () => {
    const { clock, health } = setUp()
    const hung: HealthContributor = { name: 'redis', critical: false, timeoutMs: 60_000, check: never }
    const unregister = health.register(hung)
    await health.start()
    const sampled = health.sampled()
    unregister()
    await sampled
    health.register(hung)
    const waiting = expect(health.sampled()).rejects.toThrow(expect.objectContaining({ code: 'MONITORING_HEALTH_STOPPED' }))
    const stopped = health.stop()
    await clock.advance(1_000)
    await stopped
    await waiting
  })
})

describe('a failing check', () => {
  class PoolTimeoutError extends InfraError {
    readonly code = 'DB_POOL_TIMEOUT'
  }
  const secret = 'connect to postgresql://app:hunter2@db.internal:5432 failed'

  it.each<[string, unknown, string]>([
    ['an InfraError', new PoolTimeoutError(secret), 'DB_POOL_TIMEOUT'],
    ['an error of the system', Object.assign(new Error(secret), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['a plain error', new Error(secret), 'HEALTH_CHECK_THREW'],
    ['an error with prose as its code', Object.assign(new Error('x'), { code: secret }), 'HEALTH_CHECK_THREW'],
    ['a string', secret, 'HEALTH_CHECK_THREW'],
    ['undefined', undefined, 'HEALTH_CHECK_THREW'],
    ['null', null, 'HEALTH_CHECK_THREW'],
  ])('that throws %s shows a code, and its text goes to the log only', async (_, thrown, code) => {
    const { clock, health, lines } = setUp()
    health.register({
      name: 'db',
      critical: true,
      timeoutMs: 300,
      check: () => {
        throw thrown
      },
    })
    await health.start()
    await clock.advance(0)
    expect(checksOf(health).db?.[0]).toMatchObject({ status: 'fail', output: code })
    expect(JSON.stringify(health.report({ details: 'full' }))).not.toMatch(/hunter2|db\.internal|5432/)
    expect(lines[0]).toMatchObject({ level: 'error', message: 'health check is down', fields: { check: 'db', code } })
    expect(lines[0]?.fields?.error).toBeInstanceOf(Error)
  })

  it.each([undefined, null, 'pass', {}, { status: 'healthy' }, { status: 'pass', children: 'none' }])(
    'that answers %j is invalid',
    async (answer) => {
      const { clock, health } = setUp()
      health.register({ name: 'db', critical: true, timeoutMs: 300, check: () => answer as unknown as HealthObservation })
      await health.start()
      await clock.advance(0)
      expect(checksOf(health).db?.[0]).toMatchObject({ status: 'fail', output: 'HEALTH_CHECK_INVALID' })
    },
  )

  it('is reported after three failures in a row and well again after two successes', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db')
    const changes: unknown[] = []
    health.on('changed', (change) => changes.push(change))
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    script.answer = async () => ({ status: 'fail', code: 'DB_DOWN' })
    await clock.advance(2_000)
    expect(health.report({ details: 'none' }).status).toBe('pass')
    await clock.advance(1_000)
    expect(health.report({ details: 'none' })).toMatchObject({ status: 'fail', httpStatus: 503 })
    script.answer = async () => ({ status: 'pass' })
    await clock.advance(1_000)
    expect(health.report({ details: 'none' }).status).toBe('fail')
    await clock.advance(1_000)
    expect(health.report({ details: 'none' })).toMatchObject({ status: 'pass', httpStatus: 200 })
    expect(changes).toEqual([
      { check: 'db', from: 'unknown', to: 'pass', code: null },
      { check: 'db', from: 'pass', to: 'fail', code: 'DB_DOWN' },
      { check: 'db', from: 'fail', to: 'pass', code: null },
    ])
  })

  it('that flaps neither changes the report nor fills the log', async () => {
    const { clock, health, lines } = setUp()
    const { script, contributor } = scripted('db')
    health.register(contributor)
    script.answer = async () => ({ status: script.runs % 2 === 0 ? 'fail' : 'pass' })
    await health.start()
    await clock.advance(20_000)
    expect(health.report({ details: 'none' }).status).toBe('pass')
    script.answer = async () => ({ status: 'fail', code: 'DB_DOWN' })
    await clock.advance(3_600_000)
    expect(lines.filter((line) => line.message === 'health check is down')).toHaveLength(1)
    expect(lines.length).toBeLessThan(20)
  })

  it('can have its own limits', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db', { downAfter: 1, upAfter: 1, intervalMs: 10 })
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    script.answer = async () => ({ status: 'fail' })
    await clock.advance(10)
    expect(health.report({ details: 'none' }).status).toBe('fail')
  })

  it('that is not critical is a warning of the whole, with 200', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('redis', { critical: false })
    script.answer = async () => ({ status: 'fail' })
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    expect(health.report({ details: 'none' })).toMatchObject({ status: 'warn', httpStatus: 200 })
  })
})

describe('the report', () => {
  it('tells strangers the status and nothing else', async () => {
    const { clock, health } = setUp()
    health.register(scripted('db').contributor)
    await health.start()
    await clock.advance(0)
    const report = health.report({ details: 'none' })
    expect(report.body).toEqual({ status: 'pass' })
    expect(report.contentType).toBe('application/health+json')
  })

  it('shows the values and parts of a check to those who may see them, and drops hosts', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('redis')
    script.answer = async () => ({
      status: 'pass',
      observedValue: 'cluster',
      detail: 'connected to 10.0.0.7:6379',
      children: [
        {
          name: 'node-1',
          status: 'pass',
          observedValue: 3,
          observedUnit: 'connections',
          children: [{ name: 'memory', status: 'warn', observedValue: 9 }],
        },
        { name: '10.0.0.7:6379', status: 'pass', observedValue: 'cache.internal.example' },
        { name: 'node-3', status: 'fail', critical: false, code: 'down: 10.0.0.9' },
      ],
    })
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    const checks = checksOf(health)
    expect(checks.redis?.[0]).toMatchObject({ status: 'warn', observedValue: 'cluster', time: '2024-01-31T12:00:00.000Z' })
    expect(checks['redis:node-1']?.[0]).toMatchObject({ status: 'warn', observedValue: 3, observedUnit: 'connections' })
    expect(checks['redis:node-1:memory']?.[0]).toMatchObject({ status: 'warn', observedValue: 9 })
    expect(checks['redis:part-2']?.[0]).toMatchObject({ observedValue: 'hidden' })
    expect(checks['redis:node-3']?.[0]).toMatchObject({ status: 'fail', critical: false, output: 'HEALTH_CHECK_INVALID' })
    expect(JSON.stringify(health.report({ details: 'full' }))).not.toMatch(/10\.0\.0|internal/)
  })

  it('fails with a critical part', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('redis')
    script.answer = async () => ({ status: 'pass', children: [{ name: 'slots', status: 'fail', code: 'REDIS_SLOTS_LOST' }] })
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    expect(health.report({ details: 'none' }).status).toBe('fail')
  })

  it('is a frozen copy that later samples do not change', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db')
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    const before = health.report({ details: 'full' })
    const text = JSON.stringify(before)
    script.answer = async () => ({ status: 'fail' })
    await clock.advance(10_000)
    expect(JSON.stringify(before)).toBe(text)
    expect(() => Object.assign(before.body, { status: 'pass' })).toThrow(TypeError)
    expect(health.report({ details: 'full' }).status).toBe('fail')
  })

  it('reads snapshots only: a thousand reports run no check', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db')
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    for (let read = 0; read < 1_000; read++) health.report({ details: 'full' })
    expect(script.runs).toBe(1)
  })

  it('does not trust an old sample: a critical check fails, another is unknown', async () => {
    const { clock, health } = setUp()
    health.register(scripted('db').contributor)
    health.register(scripted('redis', { critical: false }).contributor)
    await health.start()
    await clock.advance(0)
    await health.stop()
    await clock.advance(3_300)
    expect(health.report({ details: 'none' }).status).toBe('pass')
    await clock.advance(1)
    const checks = checksOf(health)
    expect(checks.db?.[0]).toMatchObject({ status: 'fail', output: 'HEALTH_CHECK_STALE' })
    expect(checks.redis?.[0]).toMatchObject({ status: 'unknown', output: 'HEALTH_CHECK_STALE' })
  })
})

describe('the probes', () => {
  it('livez is about its own loops: it passes while every dependency is down', async () => {
    const { clock, health } = setUp()
    const { script, contributor } = scripted('db')
    script.answer = async () => ({ status: 'fail' })
    health.register(contributor)
    expect(health.livez()).toMatchObject({ status: 'fail', httpStatus: 503, reasons: ['HEALTH_SAMPLER_STOPPED'] })
    await health.start()
    await clock.advance(600_000)
    expect(health.livez()).toMatchObject({ status: 'pass', httpStatus: 200, body: { status: 'pass' } })
  })

  it('livez fails when the sampler does not come by any more', async () => {
    const clock = new TestClock()
    let elapsedMs = 0
    // The timers of this clock never fire, as in a process whose loop is lost.
    const frozen = { now: () => clock.now(), monotonicMs: () => elapsedMs, schedule: () => ({ cancel: () => {} }) }
    const health = createHealthRegistry({ clock: frozen, intervalMs: 1_000, livenessSilenceMs: 5_000 })
    await health.start()
    elapsedMs = 5_000
    expect(health.livez().status).toBe('pass')
    elapsedMs = 5_001
    expect(health.livez()).toMatchObject({ status: 'fail', reasons: ['HEALTH_SAMPLER_SILENT'] })
  })

  it('livez fails while a watched loop is silent', async () => {
    const { clock, health } = setUp()
    await health.start()
    const loop = health.watchLoop('recovery', { maxSilenceMs: 500 })
    await clock.advance(501)
    expect(health.livez()).toMatchObject({ status: 'fail', reasons: ['recovery:LOOP_SILENT'] })
    loop.beat()
    expect(health.livez().status).toBe('pass')
    await clock.advance(501)
    loop.end()
    expect(health.livez().status).toBe('pass')
  })

  it('startupz waits for its checks and then stays yes', async () => {
    const { clock, health } = setUp({ startup: ['migrations'] })
    const { script, contributor } = scripted('migrations')
    script.answer = async () => ({ status: 'fail', code: 'DB_MIGRATION_PENDING' })
    expect(health.startupz().reasons).toEqual(['migrations:HEALTH_CHECK_MISSING'])
    health.register(contributor)
    await health.start()
    await clock.advance(0)
    expect(health.startupz()).toMatchObject({ httpStatus: 503, reasons: ['migrations:DB_MIGRATION_PENDING'] })
    script.answer = async () => ({ status: 'pass' })
    await clock.advance(2_000)
    expect(health.startupz().httpStatus).toBe(200)
    script.answer = async () => ({ status: 'fail' })
    await clock.advance(10_000)
    expect(health.startupz().httpStatus).toBe(200)
  })

  it('readyz needs the start, the will to take work, and its named checks; no others', async () => {
    const { clock, health } = setUp({ readiness: ['db'] })
    const db = scripted('db')
    db.script.answer = () => new Promise((resolve) => clock.schedule(10, () => resolve({ status: 'pass' })))
    const redis = scripted('redis', { critical: false })
    redis.script.answer = async () => ({ status: 'fail' })
    health.register(db.contributor)
    health.register(redis.contributor)
    expect(health.readyz().reasons).toEqual(['NOT_ACCEPTING', 'STARTUP_PENDING', 'db:HEALTH_CHECK_NOT_SAMPLED'])
    await health.start()
    health.setAccepting(true)
    expect(health.readyz()).toMatchObject({ httpStatus: 503, reasons: ['db:HEALTH_CHECK_NOT_SAMPLED'] })
    await clock.advance(10)
    expect(health.readyz()).toMatchObject({ httpStatus: 200, body: { status: 'pass' } })
    db.script.answer = async () => ({ status: 'fail', code: 'DB_DOWN' })
    await clock.advance(3_000)
    expect(health.readyz()).toMatchObject({ httpStatus: 503, body: { status: 'fail' }, reasons: ['db:DB_DOWN'] })
  })

  it('readyz says no from the moment that no work is accepted any more', async () => {
    const { clock, health } = setUp()
    await health.start()
    health.setAccepting(true)
    await clock.advance(0)
    expect(health.readyz().httpStatus).toBe(200)
    health.setAccepting(false)
    expect(health.readyz()).toMatchObject({ httpStatus: 503, reasons: ['NOT_ACCEPTING'] })
    expect(health.livez().httpStatus).toBe(200)
  })
})

describe('what is refused', () => {
  it.each([
    [{ name: 'Data Base' }, 'name must be'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: NaN }, 'timeoutMs'],
    [{ intervalMs: -1 }, 'intervalMs'],
    [{ downAfter: 0 }, 'downAfter'],
    [{ upAfter: 1.5 }, 'upAfter'],
  ])('a contributor with %j', (wrong, rule) => {
    const { health } = setUp()
    expect(() => health.register({ ...scripted('db').contributor, ...wrong })).toThrow(rule)
  })

  it('a second contributor of the same name', () => {
    const { health } = setUp()
    health.register(scripted('db').contributor)
    expect(() => health.register(scripted('db').contributor)).toThrow(
      expect.objectContaining({ code: 'MONITORING_HEALTH_CONTRIBUTOR_INVALID', facts: { check: 'db' } }),
    )
  })

  it.each([
    { intervalMs: 0 },
    { jitterRatio: 2 },
    { downAfter: 0 },
    { upAfter: 0 },
    { staleAfterIntervals: 1 },
    { livenessSilenceMs: 10 },
    { stopGraceMs: -1 },
  ])('a registry with %j', (options) => {
    expect(() => createHealthRegistry(options)).toThrow(expect.objectContaining({ code: 'MONITORING_OPTIONS_INVALID' }))
  })
})
