import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { DatabaseUnavailableError } from '../errors/connection-errors.ts'
import { ConstraintError } from '../errors/statement-errors.ts'
import type { DropReason } from './metric-events.ts'
import type { MetricRecorderOptions } from './metric-recorder-options.ts'
import { createMetricRecorder, type MetricRecorder } from './metric-recorder.ts'
import type { MetricSample } from './metric-sample.ts'

type Answer = (batch: readonly MetricSample[]) => Promise<void>

interface Bench {
  readonly clock: TestClock
  readonly recorder: MetricRecorder
  /** Values of the batches as they were sent, failed ones included. */
  readonly sent: number[][]
  readonly dropped: { samples: number; reason: DropReason }[]
  readonly failures: string[]
  answer: Answer
}

const stored: Answer = () => Promise.resolve()
const away: Answer = () => Promise.reject(new DatabaseUnavailableError('away'))

function bench(options: Partial<MetricRecorderOptions> = {}): Bench {
  const clock = new TestClock()
  const sent: number[][] = []
  const store = {
    record: (batch: readonly MetricSample[]): Promise<void> => {
      sent.push(batch.map(({ value }) => value))
      return made.answer(batch)
    },
  }
  const recorder = createMetricRecorder({ store, clock, flushIntervalMs: 1_000, batchSize: 3, maxBuffered: 6, ...options })
  const made: Bench = { clock, recorder, sent, dropped: [], failures: [], answer: stored }
  recorder.events.on('dropped', (event) => made.dropped.push({ ...event }))
  recorder.events.on('flush-failed', ({ code }) => made.failures.push(code))
  return made
}

function take(recorder: MetricRecorder, ...values: readonly number[]): void {
  for (const value of values) recorder.record({ name: 'm', value })
}

describe('the recorder of metrics', () => {
  it('writes what has gathered when the interval is over', async () => {
    const { recorder, clock, sent } = bench()
    await recorder.start()
    take(recorder, 1, 2)
    await clock.advance(999)
    expect(sent).toEqual([])
    await clock.advance(1)
    expect(sent).toEqual([[1, 2]])
    expect(recorder.stats()).toMatchObject({ buffered: 0, stored: 2 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('writes a full batch at once, and what came with it', async () => {
    const { recorder, clock, sent } = bench()
    await recorder.start()
    take(recorder, 1, 2, 3, 4)
    await clock.advance(0)
    expect(sent).toEqual([[1, 2, 3], [4]])
    expect(clock.pendingTimers).toBe(0)
  })

  it('stamps a sample when it is taken, and numbers it, so that the same write twice stores it once', async () => {
    const made = bench()
    const batches: (readonly MetricSample[])[] = []
    await made.recorder.start()
    const takenAt = made.clock.now()
    take(made.recorder, 1)
    made.answer = (batch) => {
      batches.push(batch)
      return batches.length === 1 ? away(batch) : stored(batch)
    }
    await made.clock.advance(2_000)
    expect(batches).toHaveLength(2)
    expect(batches[0]?.[0]).toMatchObject({ value: 1, timestamp: takenAt, id: expect.any(Number) as number })
    expect(batches[1]).toEqual(batches[0])
  })

  it('takes a copy, so that a caller who changes the tags later changes nothing', async () => {
    const made = bench()
    const batches: (readonly MetricSample[])[] = []
    made.answer = (batch) => {
      batches.push(batch)
      return stored(batch)
    }
    await made.recorder.start()
    const tags = { source: 'portal' }
    made.recorder.record({ name: 'm', value: 1, tags })
    tags.source = 'other'
    await made.clock.advance(1_000)
    expect(batches[0]?.[0]?.tags).toEqual({ source: 'portal' })
  })

  it('refuses an invalid sample at once, and keeps the others', async () => {
    const { recorder, clock, sent } = bench()
    await recorder.start()
    take(recorder, 1)
    expect(() => take(recorder, Number.NaN)).toThrow('value must be a finite number')
    expect(() => recorder.record({ name: ' ', value: 1 })).toThrow('name must have 1 to 100 characters')
    expect(() => recorder.record({ name: 'm', value: 1, tags: { text: 'x'.repeat(2_049) } })).toThrow('tags must have at most 2048')
    await clock.advance(1_000)
    expect(sent).toEqual([[1]])
  })

  it('keeps what could not be stored, in order, and tries again after the interval alone', async () => {
    const made = bench()
    made.answer = away
    await made.recorder.start()
    take(made.recorder, 1, 2, 3)
    await made.clock.advance(0)
    take(made.recorder, 4)
    await made.clock.advance(500)
    expect(made.sent).toEqual([[1, 2, 3]])
    expect(made.failures).toEqual(['DB_UNAVAILABLE'])
    made.answer = stored
    await made.clock.advance(500)
    expect(made.sent.slice(1)).toEqual([[1, 2, 3], [4]])
    expect(made.recorder.stats()).toMatchObject({ buffered: 0, stored: 4, dropped: { overflow: 0 } })
  })

  it('drops the oldest when the buffer is full, counts them at once and tells them together', async () => {
    const made = bench()
    made.answer = away
    await made.recorder.start()
    take(made.recorder, 1, 2, 3)
    await made.clock.advance(0)
    take(made.recorder, 4, 5, 6, 7, 8)
    expect(made.recorder.stats()).toMatchObject({ buffered: 6, dropped: { overflow: 2 } })
    expect(made.dropped).toEqual([])
    made.answer = stored
    await made.clock.advance(1_000)
    expect(made.dropped).toEqual([{ samples: 2, reason: 'overflow' }])
    expect(made.sent.slice(1).flat()).toEqual([3, 4, 5, 6, 7, 8])
  })

  it('finds the one sample that the database refuses, and stores all others of its batch', async () => {
    const made = bench({ batchSize: 5, maxBuffered: 5 })
    made.answer = (batch) => (batch.some(({ value }) => value === 4) ? Promise.reject(new ConstraintError('no')) : stored(batch))
    await made.recorder.start()
    take(made.recorder, 1, 2, 3, 4, 5)
    await made.clock.advance(0)
    expect(made.dropped).toEqual([{ samples: 1, reason: 'refused' }])
    expect(made.recorder.stats()).toMatchObject({ buffered: 0, stored: 4, dropped: { refused: 1 } })
  })

  it('writes the rest when it stops, what was taken before it started included', async () => {
    const { recorder, clock, sent } = bench()
    take(recorder, 1)
    await recorder.start()
    take(recorder, 2)
    await recorder.stop()
    expect(sent).toEqual([[1, 2]])
    expect(clock.pendingTimers).toBe(0)
  })

  it('stops in time when a write hangs, and tells what was lost', async () => {
    const made = bench({ stopTimeoutMs: 100 })
    made.answer = () => new Promise(() => {})
    await made.recorder.start()
    take(made.recorder, 1, 2, 3, 4)
    const stopping = made.recorder.stop()
    await made.clock.advance(100)
    await stopping
    expect(made.dropped).toEqual([{ samples: 4, reason: 'stopped' }])
    expect(made.recorder.stats().buffered).toBe(0)
  })

  it('drops samples that come after it has stopped, and tells so', async () => {
    const { recorder, dropped } = bench()
    await recorder.start()
    await recorder.stop()
    take(recorder, 1)
    expect(dropped).toEqual([{ samples: 1, reason: 'stopped' }])
  })

  it('ends a flush although samples go on coming', async () => {
    const made = bench({ batchSize: 2 })
    made.answer = (batch) => {
      take(made.recorder, 9)
      return stored(batch)
    }
    await made.recorder.start()
    take(made.recorder, 1)
    await made.recorder.flush()
    expect(made.sent).toEqual([[1]])
    made.answer = stored
    await made.recorder.stop()
  })

  it.each([
    [{ batchSize: 0 }, 'batchSize must be an integer from 1 to 5000; received 0'],
    [{ batchSize: 10, maxBuffered: 9 }, 'maxBuffered must be an integer from 10 to 1000000; received 9'],
    [{ flushIntervalMs: 0 }, 'flushIntervalMs must be an integer of at least 1; received 0'],
  ])('refuses the options %o', (options, message) => {
    expect(() => bench(options)).toThrow(message)
  })
})
