import { crc32 } from 'node:zlib'
import {
  advanceState,
  missedSince,
  readState,
  SET_BACK_ALLOWANCE_MICROS,
  type ClockBounds,
  type ClockState,
} from '../../src/consistency/clock-state.ts'
import { decodeLogged, encodeBody, encodeLogged, type LoggedInvalidation } from '../../src/consistency/invalidation.ts'
import type { ClockAdvance, ClockRead, ClockReading } from '../../src/consistency/logical-clock.ts'
import type { Mechanism, ServerClock } from './fake-server.ts'
import type { Keyspace } from './keyspace.ts'

export interface FakeClockParts {
  readonly keyspace: Keyspace
  /** The server's own time, in microseconds. */
  readonly nowMicros: () => number
  readonly maxLog: number
  readonly publish: (message: LoggedInvalidation) => void
  readonly switchedOff: ReadonlySet<Mechanism>
}

interface Sequence {
  readonly sequence: number
  readonly floor: number
}

interface Bucket {
  readonly floor: number
  readonly marks: ReadonlyMap<string, number>
}

const BUCKETS = 4
const NUMBERS = Array.from({ length: BUCKETS }, (_, number) => `tags:${number}`)

/** Each key may be lost by itself. */
export function clockKey(namespace: string, part: string): string {
  return `{${namespace}}#${part}`
}

/** As the scripts of Redis do it: a hash for the clock, a log and several buckets of marks, each of which can be lost. */
export class FakeRedisClock implements ServerClock {
  readonly #parts: FakeClockParts
  #begunAtMicros = Number.NEGATIVE_INFINITY

  constructor(parts: FakeClockParts) {
    this.#parts = parts
  }

  /** How long ago it began anew, in milliseconds. */
  get ageMs(): number {
    return (this.#parts.nowMicros() - this.#begunAtMicros) / 1_000
  }

  read(request: ClockRead): ClockReading {
    const clock = this.#sound(request)
    const marks = request.tags.map((tag) => {
      const bucket = this.#bucket(request.namespace, tag, clock.sequence)
      return bucket.marks.get(tag) ?? bucket.floor
    })
    return this.#reading(request, clock, marks)
  }

  advance(request: ClockAdvance): ClockReading {
    const { keyspace, nowMicros, maxLog, publish } = this.#parts
    const { namespace, what, origin } = request
    const before = this.#sound(request)
    const buckets = what.tags.map((tag) => this.#bucket(namespace, tag, before.sequence))
    const sequence = Math.max(before.sequence + 1, Math.floor(nowMicros()))
    const after = { sequence, floor: what.all ? sequence : before.floor }
    keyspace.set(clockKey(namespace, 'clock'), after)
    // Two tags may share a bucket: each takes up what the one before has left.
    for (const [index, tag] of what.tags.entries()) {
      const bucket = keyspace.get<Bucket>(bucketKey(namespace, tag)) ?? buckets[index]
      keyspace.set(bucketKey(namespace, tag), { floor: bucket?.floor ?? 0, marks: new Map(bucket?.marks).set(tag, sequence) })
    }
    const message = encodeLogged(namespace, { sequence, previous: before.sequence }, encodeBody(origin, what))
    keyspace.set(clockKey(namespace, 'log'), [...this.#log(namespace), message].slice(-maxLog))
    const decoded = decodeLogged(message)
    if (decoded !== undefined) publish(decoded)
    return this.#reading(request, after, [])
  }

  #sound({ namespace, since }: { readonly namespace: string; readonly since: number }): Sequence {
    const { keyspace, nowMicros } = this.#parts
    const clock = keyspace.get<Sequence>(clockKey(namespace, 'clock'))
    if (clock !== undefined && clock.sequence >= since) return clock
    const highest = Math.max(clock?.sequence ?? 0, since)
    const sequence = Math.max(highest + 1, Math.floor(nowMicros()) + SET_BACK_ALLOWANCE_MICROS)
    this.#begunAtMicros = nowMicros()
    const begun = { sequence, floor: sequence }
    keyspace.set(clockKey(namespace, 'clock'), begun)
    keyspace.delete(clockKey(namespace, 'log'))
    for (const part of NUMBERS) keyspace.set(clockKey(namespace, part), { floor: begun.floor, marks: new Map() })
    return begun
  }

  /** One that is missing was lost: nothing that has one of its tags may be believed. */
  #bucket(namespace: string, tag: string, sequence: number): Bucket {
    const { keyspace, switchedOff } = this.#parts
    const key = bucketKey(namespace, tag)
    const bucket = keyspace.get<Bucket>(key)
    if (bucket !== undefined) return bucket
    const begun: Bucket = { floor: switchedOff.has('tag-floor') ? 0 : sequence, marks: new Map() }
    keyspace.set(key, begun)
    return begun
  }

  #log(namespace: string): readonly string[] {
    return this.#parts.keyspace.get<readonly string[]>(clockKey(namespace, 'log')) ?? []
  }

  #reading({ namespace, since }: { readonly namespace: string; readonly since: number }, clock: Sequence, marks: number[]): ClockReading {
    return { ...clock, marks, missed: missedOf(this.#log(namespace), { since, sequence: clock.sequence }, this.#parts.switchedOff) }
  }
}

export function bucketKey(namespace: string, tag: string): string {
  return clockKey(namespace, `tags:${crc32(tag) % BUCKETS}`)
}

/** As PostgreSQL has it: one row, changed as a whole. */
export class FakeRowClock implements ServerClock {
  readonly #parts: FakeClockParts

  constructor(parts: FakeClockParts) {
    this.#parts = parts
  }

  read(request: ClockRead): ClockReading {
    return this.#step(request, (state, nowMicros) => readState(state, request, nowMicros))
  }

  advance(request: ClockAdvance): ClockReading {
    const bounds: ClockBounds = { maxMarks: 1_000, maxLog: this.#parts.maxLog }
    return this.#step(request, (state, nowMicros) => advanceState(state, request, { ...bounds, nowMicros }))
  }

  #step(
    { namespace, since }: { readonly namespace: string; readonly since: number },
    step: (state: ClockState | undefined, nowMicros: number) => { readonly state: ClockState; readonly reading: ClockReading },
  ): ClockReading {
    const { keyspace, nowMicros, switchedOff } = this.#parts
    const key = clockKey(namespace, 'clock')
    const { state, reading } = step(keyspace.get<ClockState>(key), nowMicros())
    keyspace.set(key, state)
    return { ...reading, missed: missedOf(state.log, { since, sequence: state.sequence }, switchedOff) }
  }
}

/** With gap detection switched off: whatever is at hand passes for all there is. */
function missedOf(
  log: readonly string[],
  { since, sequence }: { readonly since: number; readonly sequence: number },
  switchedOff: ReadonlySet<Mechanism>,
): ClockReading['missed'] {
  if (!switchedOff.has('gap')) return missedSince(log, since, sequence)
  const known = log.map(decodeLogged).filter((message) => message !== undefined)
  return { kind: 'chain', messages: known.filter((message) => message.sequence > since) }
}
