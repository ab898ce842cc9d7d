import type { ClockAdvance, ClockRead, ClockReading } from '../../src/consistency/logical-clock.ts'
import type { TierKey } from '../../src/key.ts'
import type { FillOutcome, Generation, LeaseAnswer, LeasedRead, LeaseRequest, TierRead, TierWrite } from '../../src/tiers/tier.ts'
import type { Keyspace } from './keyspace.ts'

/** What can be switched off, to see whether the oracle notices. */
export const MECHANISMS = ['fence', 'generation', 'lease', 'tag-floor', 'gap'] as const
export type Mechanism = (typeof MECHANISMS)[number]

export interface ServerClock {
  advance(request: ClockAdvance): ClockReading
  read(request: ClockRead): ClockReading
}

interface Lease {
  readonly token: string
  readonly untilMs: number
}

interface Entry {
  readonly payload: Buffer | undefined
  readonly generation: Generation
  readonly sequence: number
  /** Of the payload. A lease keeps the rest beyond it. */
  readonly endsAtMs: number
}

export interface FakeServerParts {
  readonly keyspace: Keyspace
  readonly nowMs: () => number
  readonly clock: ServerClock
  /** Of Redis, whose lease is a part of the entry and ends with it; of PostgreSQL it is a row of its own. */
  readonly leaseWithEntry: boolean
  readonly switchedOff: ReadonlySet<Mechanism>
}

const ENTRY = 'entry:'
const LEASE = 'lease:'

/** What a server does in one step, without network: the commands and scripts of a tier, over plain data. */
export class FakeServer {
  readonly keyspace: Keyspace
  readonly clock: ServerClock
  readonly #parts: FakeServerParts
  /** Goes on through failovers and losses: a generation never comes twice. */
  #generations = 0

  constructor(parts: FakeServerParts) {
    this.#parts = parts
    this.keyspace = parts.keyspace
    this.clock = parts.clock
  }

  read(key: TierKey): TierRead {
    const entry = this.#entry(key)
    const remainingMs = (entry?.endsAtMs ?? 0) - this.#parts.nowMs()
    if (entry?.payload === undefined || remainingMs <= 0) return { entry: undefined, generation: entry?.generation }
    return { entry: { payload: entry.payload, remainingMs }, generation: entry.generation }
  }

  readToFill(key: TierKey, windowMs: number, lease: LeaseRequest | undefined): LeasedRead {
    const found = this.read(key)
    if (found.entry !== undefined) return found
    const window = { payload: undefined, generation: found.generation ?? this.#newGeneration(), sequence: 0, endsAtMs: 0 }
    this.keyspace.set(ENTRY + key.id, window, windowMs)
    return { entry: undefined, generation: window.generation, ...(lease && { lease: this.acquire(key, lease) }) }
  }

  write(key: TierKey, entry: TierWrite): void {
    this.#endLease(key)
    this.#store(key, entry)
  }

  fill(key: TierKey, entry: TierWrite, seen: Generation): FillOutcome {
    const before = this.#entry(key)
    if (before?.generation !== seen && !this.#parts.switchedOff.has('generation')) return 'superseded'
    this.#store(key, entry)
    this.#endLease(key)
    return 'stored'
  }

  delete(key: TierKey): boolean {
    const existed = this.read(key).entry !== undefined
    this.keyspace.delete(ENTRY + key.id)
    this.#endLease(key)
    return existed
  }

  discard(key: TierKey, seen: Generation): void {
    if (this.#entry(key)?.generation === seen) this.delete(key)
  }

  clear(namespace: string): void {
    for (const key of this.keyspace.keys(`${ENTRY}${namespace}/`)) this.delete({ namespace, id: key.slice(ENTRY.length) })
  }

  sweep(namespace: string, before: number): void {
    for (const key of this.keyspace.keys(`${ENTRY}${namespace}/`)) {
      const entry = this.keyspace.get<Entry>(key)
      if (entry?.payload !== undefined && entry.sequence < before) this.delete({ namespace, id: key.slice(ENTRY.length) })
    }
  }

  acquire(key: TierKey, { token, leaseMs }: LeaseRequest): LeaseAnswer {
    if (this.#parts.switchedOff.has('lease')) return { outcome: 'granted' }
    // Of a key that is gone nobody needs a lease: no fill of it can succeed.
    if (this.#parts.leaseWithEntry && this.#entry(key) === undefined) return { outcome: 'granted' }
    const nowMs = this.#parts.nowMs()
    const held = this.#lease(key)
    if (held !== undefined && held.token !== token) return { outcome: 'held', leftMs: Math.max(1, held.untilMs - nowMs) }
    this.#take(key, { token, leaseMs })
    return { outcome: 'granted' }
  }

  /** The holder's name lasts longer than the lease: until somebody else takes it. */
  renew(key: TierKey, { token, leaseMs }: LeaseRequest): boolean {
    if (this.keyspace.get<Lease>(LEASE + key.id)?.token !== token) return false
    this.#take(key, { token, leaseMs })
    return true
  }

  release(key: TierKey, token: string): void {
    if (this.keyspace.get<Lease>(LEASE + key.id)?.token === token) this.keyspace.delete(LEASE + key.id)
  }

  /** Memory was short. */
  evictEntry(key: TierKey): void {
    this.keyspace.delete(ENTRY + key.id)
    if (this.#parts.leaseWithEntry) this.keyspace.delete(LEASE + key.id)
  }

  #entry(key: TierKey): Entry | undefined {
    return this.keyspace.get<Entry>(ENTRY + key.id)
  }

  #lease(key: TierKey): Lease | undefined {
    const lease = this.keyspace.get<Lease>(LEASE + key.id)
    return lease !== undefined && lease.untilMs > this.#parts.nowMs() ? lease : undefined
  }

  /** What is leased stays for as long as the lease. */
  #take(key: TierKey, { token, leaseMs }: LeaseRequest): void {
    this.keyspace.set(LEASE + key.id, { token, untilMs: this.#parts.nowMs() + leaseMs })
    const entry = this.#entry(key)
    if (entry !== undefined && this.keyspace.leftMs(ENTRY + key.id) < leaseMs) this.keyspace.set(ENTRY + key.id, entry, leaseMs)
  }

  #store(key: TierKey, { payload, ttlMs, sequence = 0 }: TierWrite): void {
    this.keyspace.set(
      ENTRY + key.id,
      { payload, generation: this.#newGeneration(), sequence, endsAtMs: this.#parts.nowMs() + ttlMs },
      ttlMs,
    )
  }

  #endLease(key: TierKey): void {
    if (this.#parts.leaseWithEntry) this.keyspace.delete(LEASE + key.id)
  }

  #newGeneration(): Generation {
    return String(++this.#generations) as Generation
  }
}

/** Of a key in the keyspace: the entry's own name, or nothing for what is none. */
export function entryIdOf(stored: string): string | undefined {
  return stored.startsWith(ENTRY) ? stored.slice(ENTRY.length) : undefined
}
