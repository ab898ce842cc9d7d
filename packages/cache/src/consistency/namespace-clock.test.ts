import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { CacheUnavailableError } from '../errors.ts'
import type { ClockSource } from './clock-exchange.ts'
import { advanceState, readState, type ClockState } from './clock-state.ts'
import { NamespaceClock, type ResyncReason } from './namespace-clock.ts'

const BOUNDS = { maxMarks: 100, maxLog: 100 }
const NOTHING = { keys: [], tags: [], all: false }

/** A shared clock whose state a test can put back, as a failover to a replica that lagged does. */
class Shared implements ClockSource {
  readonly name = 'shared'
  readonly time: TestClock
  state: ClockState | undefined
  down = false
  questions = 0

  constructor(time: TestClock) {
    this.time = time
  }

  readonly advance: ClockSource['advance'] = async (request) =>
    this.#answer(() => {
      const { state, reading } = advanceState(this.state, request, { ...BOUNDS, nowMicros: this.#nowMicros() })
      this.state = state
      return reading
    })

  readonly readClock: ClockSource['readClock'] = async (request) =>
    this.#answer(() => {
      const { state, reading } = readState(this.state, request, this.#nowMicros())
      this.state = state
      return reading
    })

  #answer<T>(answer: () => T) {
    this.questions++
    if (this.down) return { ok: false as const, cause: new CacheUnavailableError('down') }
    return { ok: true as const, value: answer() }
  }

  #nowMicros(): number {
    return this.time.now().getTime() * 1_000
  }
}

function setUp() {
  const time = new TestClock()
  const shared = new Shared(time)
  const resyncs: ResyncReason[] = []
  const dropped: string[] = []
  const make = (origin: string): NamespaceClock =>
    new NamespaceClock({
      namespace: 'e/v/n',
      origin,
      time,
      source: shared,
      verifyWithinMs: 3_000,
      maxMarks: 100,
      maxUnsent: 100,
      effects: {
        dropKeys: (keys) => dropped.push(...keys),
        detachLoads: () => {},
        dropAll: () => dropped.push('*'),
        resynced: (reason) => resyncs.push(reason),
      },
    })
  return { time, shared, resyncs, dropped, make, clock: make('one') }
}

describe('a clock that forgot what it had acknowledged', () => {
  it('is noticed by whoever had seen it, and then everything older is invalid for everybody', async () => {
    const { time, shared, resyncs, make, clock } = setUp()
    const other = make('other')
    await clock.verify()
    await time.advance(2_000)
    await other.announce({ ...NOTHING, keys: ['k'] })
    const entry = { sequence: other.sequence, tags: ['t'] }
    const replica = shared.state
    await time.advance(1)
    await clock.announce({ ...NOTHING, tags: ['t'] })
    expect(await clock.judge(entry)).toBe(false)
    shared.state = replica
    await time.advance(1)
    await other.announce({ ...NOTHING, keys: ['another'] })
    expect(await other.judge(entry)).toBe(true)
    await clock.refresh()
    await clock.idle()
    expect(resyncs).toContain('lost-invalidations')
    await other.refresh()
    expect([await clock.judge(entry), await other.judge(entry)]).toEqual([false, false])
  })

  it('is healed by one process; the others do not invalidate everything once more', async () => {
    const { time, shared, resyncs, make, clock } = setUp()
    const others = [make('a'), make('b')]
    const all = [clock, ...others]
    for (const each of all) await each.verify()
    await time.advance(2_000)
    const replica = shared.state
    await clock.announce({ ...NOTHING, tags: ['t'] })
    for (const each of others) await each.refresh()
    shared.state = replica
    await time.advance(1)
    for (const each of all) {
      await each.refresh()
      await each.idle()
    }
    const { sequence } = clock
    for (const each of all) await each.refresh()
    expect([clock.sequence, resyncs.filter((reason) => reason === 'lost-invalidations').length]).toEqual([sequence, 0])
    expect(await others[0]?.judge({ sequence: replica?.sequence ?? 0, tags: ['t'] })).toBe(false)
  })
})

describe('an entry of which not enough is known', () => {
  it('is not believed while the clock does not answer, nor from a future that it does not know', async () => {
    const { time, shared, clock } = setUp()
    shared.down = true
    expect(await clock.judge({ sequence: 0, tags: [] })).toBe(false)
    shared.down = false
    await clock.verify()
    expect(await clock.judge({ sequence: clock.sequence, tags: ['never marked'] })).toBe(true)
    expect(await clock.judge({ sequence: clock.sequence + 1, tags: [] })).toBe(false)
    shared.down = true
    await time.advance(3_000)
    expect(await clock.judge({ sequence: clock.sequence, tags: [] })).toBe(false)
  })

  it('costs no question once its tags are known and the clock is trusted', async () => {
    const { shared, clock } = setUp()
    await clock.verify()
    const entry = { sequence: clock.sequence, tags: ['t'] }
    await clock.judge(entry)
    const { questions } = shared
    for (let read = 0; read < 100; read++) expect(await clock.judge(entry)).toBe(true)
    expect(shared.questions).toBe(questions)
  })
})

describe('messages of the bus', () => {
  it('that come twice, late, or before the clock is known, do no harm', async () => {
    const { dropped, make, clock, shared } = setUp()
    const other = make('other')
    const message = (sequence: number, previous: number) => ({
      ...NOTHING,
      keys: [`k${sequence}`],
      namespace: 'e/v/n',
      sequence,
      previous,
      origin: 'other',
    })
    clock.receive(message(1, 0))
    expect(dropped).toEqual([])
    await clock.verify()
    await other.verify()
    dropped.length = 0
    const start = clock.sequence
    await other.announce({ ...NOTHING, keys: ['k'] })
    await clock.refresh()
    const { questions } = shared
    for (const each of [message(start + 1, start), message(start, start - 1)]) clock.receive(each)
    await clock.idle()
    expect([dropped, shared.questions]).toEqual([['k'], questions])
  })
})
