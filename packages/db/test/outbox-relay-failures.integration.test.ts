import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually, startPostgres } from '@cidadao/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  createDatabase,
  createOutboxRelay,
  type Database,
  type OutboxMessage,
  type OutboxRelay,
  type OutboxRelayEvents,
} from '../src/index.ts'
import { AUDIT_ORIGIN, openDatabase } from './fixtures/database-fixture.ts'
import { Delivered, invalidate, startRelay } from './fixtures/outbox-fixture.ts'

const SETTLED_MS = 15_000
let db: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM cache_outbox'))
afterAll(() => close())

function record<Name extends keyof OutboxRelayEvents>(relay: OutboxRelay, name: Name): OutboxRelayEvents[Name][] {
  const events: OutboxRelayEvents[Name][] = []
  onTestFinished(relay.events.on(name, (event) => events.push(event)))
  return events
}

const namesOf = (messages: readonly OutboxMessage[]): readonly string[] => messages.flatMap(({ names }) => names)

class RedisAway extends Error {
  readonly code = 'CACHE_TIER_UNAVAILABLE'
}

describe('a delivery that fails', () => {
  it('comes again with the same messages until it succeeds, and refuses nothing, however long the outage', async () => {
    await invalidate(db, 'a', 'b')
    const sink = new Delivered()
    let failures = 12
    const relay = await startRelay(db, {
      isolateAfter: 3,
      deliver: async (messages, signal) => {
        if (failures-- > 0) throw new RedisAway('redis is away')
        await sink.deliver(messages, signal)
      },
    })
    const failed = record(relay, 'failed')
    await sink.expectOnce('a', 'b')
    expect(failed[0]).toMatchObject({ code: 'DB_UNEXPECTED', failures: 1 })
    await eventually(() => expect(relay.stats()).toMatchObject({ refused: 0, failures: 0, lag: { messages: 0 } }), {
      deadlineMs: SETTLED_MS,
    })
  })

  it('waits longer each time up to a limit, with jitter, and does not hurry because more is committed', async () => {
    const relay = createOutboxRelay({
      db,
      deliver: () => Promise.reject(new RedisAway('redis is away')),
      initialBackoffMs: 4,
      maxBackoffMs: 30,
      isolateAfter: 100,
      random: () => 0.5,
    })
    onTestFinished(() => relay.stop())
    let woken = 0
    onTestFinished(
      relay.events.on('failed', () => {
        woken += 1
        relay.wake()
      }),
    )
    const failed = record(relay, 'failed')
    await invalidate(db, 'a')
    await relay.start()
    await eventually(() => expect(failed.length).toBeGreaterThan(5), { deadlineMs: SETTLED_MS })
    expect(failed.slice(0, 5).map(({ pauseMs }) => pauseMs)).toEqual([3, 6, 12, 23, 23])
    expect(woken).toBeGreaterThan(5)
  })

  it('finds the message that spoils the batch, sets it aside, visibly, and delivers all others', async () => {
    await invalidate(db, 'a', 'poison', 'b')
    const sink = new Delivered()
    const relay = createOutboxRelay({
      db,
      pollIntervalMs: 20,
      initialBackoffMs: 1,
      deliver: async (messages, signal) => {
        if (namesOf(messages).includes('poison')) throw new RedisAway('WRONGTYPE poison')
        await sink.deliver(messages, signal)
      },
    })
    onTestFinished(() => relay.stop())
    const refused = record(relay, 'refused')
    const failed = record(relay, 'failed')
    await relay.start()
    await sink.expectOnce('a', 'b')
    await eventually(() => expect(relay.stats()).toMatchObject({ refused: 1, delivered: 2, lag: { messages: 0, refused: 1 } }), {
      deadlineMs: SETTLED_MS,
    })
    expect(failed).toHaveLength(3)
    expect(refused).toEqual([{ id: expect.any(String) as string, namespace: 'n', reason: 'CACHE_TIER_UNAVAILABLE' }])
    const { rows } = await db.sql.query('SELECT names, refusal FROM cache_outbox WHERE refused_at IS NOT NULL')
    expect(rows).toEqual([{ names: ['poison'], refusal: 'CACHE_TIER_UNAVAILABLE' }])
  })

  it('does not take messages for poison that failed because the way out was shut in the middle of the search', async () => {
    await invalidate(db, 'a', 'b', 'c')
    const sink = new Delivered()
    let calls = 0
    const relay = await startRelay(db, {
      isolateAfter: 1,
      deliver: async (messages, signal) => {
        calls += 1
        // Fails as a whole, arrives once, and is away again for a while.
        if (calls !== 2 && calls < 12) throw new RedisAway('away')
        await sink.deliver(messages, signal)
      },
    })
    await sink.expectOnce('a', 'b', 'c')
    expect(relay.stats().refused).toBe(0)
  })

  it('may itself say what can never be delivered; that can be delivered again later', async () => {
    await invalidate(db, 'a', 'unknown', 'b')
    const sink = new Delivered()
    let known = false
    const relay = await startRelay(db, {
      deliver: async (messages, signal) => {
        const refused = messages.filter(({ names }) => !known && names[0] === 'unknown')
        await sink.deliver(
          messages.filter((message) => !refused.includes(message)),
          signal,
        )
        return refused.map(({ id }) => ({ id, reason: 'no such namespace '.repeat(100) }))
      },
    })
    await sink.expectOnce('a', 'b')
    await eventually(() => expect(relay.stats().lag).toMatchObject({ messages: 0, refused: 1 }), { deadlineMs: SETTLED_MS })
    known = true
    expect(await relay.redeliverRefused()).toBe(1)
    await sink.expectOnce('a', 'b', 'unknown')
    await eventually(() => expect(relay.stats().lag).toMatchObject({ messages: 0, refused: 0 }), { deadlineMs: SETTLED_MS })
  })

  it('is given up when it takes too long, told to stop, and tried again', async () => {
    await invalidate(db, 'slow')
    const sink = new Delivered()
    const signals: AbortSignal[] = []
    const relay = await startRelay(db, {
      deliverTimeoutMs: 30,
      deliver: (messages, signal) => {
        signals.push(signal)
        return signals.length === 1 ? new Promise(() => {}) : sink.deliver(messages, signal)
      },
    })
    const failed = record(relay, 'failed')
    await sink.expectOnce('slow')
    expect(failed[0]).toMatchObject({ code: 'DB_DELIVERY_TIMEOUT' })
    expect(signals[0]?.aborted).toBe(true)
  })

  it('that hangs on one message does not keep the others for ever', async () => {
    await invalidate(db, 'a', 'hangs', 'b')
    const sink = new Delivered()
    const relay = await startRelay(db, {
      deliverTimeoutMs: 400,
      isolateAfter: 1,
      deliver: (messages, signal) => (namesOf(messages).includes('hangs') ? new Promise(() => {}) : sink.deliver(messages, signal)),
    })
    await sink.expectOnce('a', 'b')
    await eventually(() => expect(relay.stats().lag).toMatchObject({ messages: 0, refused: 1 }), { deadlineMs: SETTLED_MS })
  })
})

describe('stopping an outbox relay', () => {
  it('lets a delivery under way end, and marks it', async () => {
    await invalidate(db, 'a')
    let finish = (): void => {}
    const begun = Promise.withResolvers<void>()
    const relay = await startRelay(db, {
      deliver: () => {
        begun.resolve()
        return new Promise((resolve) => (finish = resolve))
      },
    })
    await begun.promise
    const stopped = relay.stop()
    finish()
    await stopped
    expect(relay.stats()).toMatchObject({ state: 'stopped', delivered: 1 })
    const sink = new Delivered()
    await startRelay(db, sink)
    await invalidate(db, 'b')
    await sink.expectOnce('b')
  })

  it('cuts off a delivery that does not end in time; it is delivered again by the next', async () => {
    await invalidate(db, 'a')
    const begun = Promise.withResolvers<AbortSignal>()
    const relay = await startRelay(db, {
      stopTimeoutMs: 10,
      deliver: (_messages, signal) => {
        begun.resolve(signal)
        return new Promise(() => {})
      },
    })
    const signal = await begun.promise
    await relay.stop()
    expect(signal.aborted).toBe(true)
    const sink = new Delivered()
    await startRelay(db, sink)
    await sink.expectOnce('a')
  })

  it('may be done twice and before starting, and the relay may be started again', async () => {
    const sink = new Delivered()
    const relay = createOutboxRelay({ db, deliver: sink.deliver, pollIntervalMs: 20 })
    await relay.stop()
    await relay.start()
    await Promise.all([relay.stop(), relay.stop()])
    await relay.start()
    await invalidate(db, 'a')
    await sink.expectOnce('a')
    await relay.stop()
  })
})

describe('several outbox relays', () => {
  it('deliver each message once between them, one at a time', async () => {
    const sink = new Delivered()
    let running = 0
    let most = 0
    const deliver = async (messages: readonly OutboxMessage[], signal: AbortSignal): Promise<void> => {
      most = Math.max(most, (running += 1))
      await new Promise((resolve) => setTimeout(resolve, 2))
      await sink.deliver(messages, signal)
      running -= 1
    }
    await Promise.all([1, 2, 3].map(() => startRelay(db, { deliver, batchSize: 5, pollIntervalMs: 1 })))
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`)
    for (let start = 0; start < keys.length; start += 4) await invalidate(db, ...keys.slice(start, start + 4))
    await sink.expectOnce(...keys)
    expect(most).toBe(1)
  })

  it('stand in for one that was killed after it had delivered and before it could say so', async () => {
    await invalidate(db, 'a', 'b')
    const child = spawn(
      process.execPath,
      ['--conditions=@cidadao/source', join(import.meta.dirname, 'fixtures/relay-process.ts'), url, AUDIT_ORIGIN],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    expect(JSON.parse(await firstLine(child))).toEqual(['a', 'b'])
    const sink = new Delivered()
    const relay = await startRelay(db, sink)
    await eventually(() => expect(relay.stats().lag).toMatchObject({ messages: 2 }), { deadlineMs: SETTLED_MS })
    expect(sink.names).toEqual([])
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await sink.expectOnce('a', 'b')
  })
})

describe('a database that goes away', () => {
  it('is told, and everything committed is delivered when it is back', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const own = createDatabase({
      url: server.url(),
      auditOrigin: AUDIT_ORIGIN,
      pool: { size: 2, maxOverflow: 2 },
      resilience: { attempts: 0, breakForMs: 50 },
    })
    onTestFinished(() => own.stop())
    await own.start()
    const sink = new Delivered()
    const relay = await startRelay(own, sink)
    const failed = record(relay, 'failed')
    await invalidate(own, 'before')
    await sink.expectOnce('before')
    await server.kill()
    await eventually(() => expect(relay.stats()).toMatchObject({ state: 'backing-off' }), { deadlineMs: SETTLED_MS })
    await server.restart()
    await eventually(() => invalidate(own, 'after'), { deadlineMs: SETTLED_MS })
    await eventually(() => expect(sink.names).toContain('after'), { deadlineMs: SETTLED_MS })
    expect(failed.length).toBeGreaterThan(0)
    // An insert whose answer was lost may have been repeated; what was delivered before the crash is not.
    expect(sink.names.filter((name) => name === 'before')).toHaveLength(1)
  })
})

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return text.trim()
}
