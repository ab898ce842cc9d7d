import { createCache, type Cache } from '../../src/cache.ts'
import type { LoggedInvalidation } from '../../src/consistency/invalidation.ts'
import { definePolicy } from '../../src/policy.ts'
import { BusLine, type BusState } from './fake-bus.ts'
import { FakeRedisClock, FakeRowClock } from './fake-clocks.ts'
import { FakeServer, type Mechanism } from './fake-server.ts'
import { fakeTier } from './fake-tier.ts'
import { Keyspace } from './keyspace.ts'
import { Link, type LinkState } from './network.ts'
import { Random } from './random.ts'
import type { Schedule, TierName } from './schedule.ts'
import { traced, type Trace } from './trace.ts'
import { LaneClock, type Lane, type VirtualTime } from './virtual-time.ts'

export const POLICY = {
  name: 'things',
  ttlMs: 4_000,
  graceMs: 3_000,
  jitter: 0.1,
  factoryTimeoutMs: 3_000,
  leaseMs: 800,
  leaseWaitMs: 4_000,
  retryAfterMs: 300,
} as const
export const HEARTBEAT_MS = 500
export const VERIFY_WITHIN_MS = 1_500
export const BUDGET_MS = 50
/** So that logs are outrun. */
const LONGEST_LOG = 12
const HEALTHY = { redis: { fastestMs: 0.1, slowestMs: 2 }, postgres: { fastestMs: 0.4, slowestMs: 6 } } as const
const ENVIRONMENT = 'sim'
const VERSION = 'v1'
export const PREFIX = `${ENVIRONMENT}/${VERSION}/${POLICY.name}`

export interface SimulatedServer {
  readonly server: FakeServer
  /** Of its clock from the true time, in milliseconds. */
  skewMs: number
}

export interface SimulatedNode {
  /** Of the process: one that takes another's place has its own. */
  readonly process: number
  readonly lane: Lane
  readonly clock: LaneClock
  readonly cache: Cache
  readonly links: ReadonlyMap<TierName, LinkState>
  readonly busState: BusState
  readonly bus: BusLine | undefined
}

export interface WorldParts {
  readonly schedule: Schedule
  readonly time: VirtualTime
  readonly switchedOff: ReadonlySet<Mechanism>
  readonly trace: Trace | undefined
}

/** Servers, processes and what lies between them. */
export class World {
  readonly nodes: SimulatedNode[]
  readonly servers: ReadonlyMap<TierName, SimulatedServer>
  readonly #parts: WorldParts
  readonly #random: Random
  readonly #lines = new Set<BusLine>()
  #processes = 0

  constructor(parts: WorldParts) {
    this.#parts = parts
    this.#random = new Random(parts.schedule.seed ^ 0x5bd1e995)
    this.servers = new Map(parts.schedule.tiers.map((name) => [name, this.#makeServer(name)]))
    this.nodes = Array.from({ length: parts.schedule.nodes }, () => this.#makeNode())
  }

  server(name: TierName): SimulatedServer | undefined {
    return this.servers.get(name)
  }

  node(index: number): SimulatedNode {
    const node = this.nodes[index]
    if (node === undefined) throw new TypeError(`there is no node ${index}`)
    return node
  }

  /** Returns the process that is no more. */
  restart(index: number): number {
    const { lane, bus, process } = this.node(index)
    lane.gone = true
    if (bus !== undefined) this.#lines.delete(bus)
    const node = this.#makeNode()
    this.nodes[index] = node
    this.#parts.time.after(1, () => void node.cache.start(), node.lane)
    return process
  }

  /** Returns when the last process has woken up. */
  heal(): number {
    for (const { links, busState } of this.nodes) {
      for (const [name, link] of links) Object.assign(link, healthy(name))
      Object.assign(busState, { loss: 0, duplication: 0 })
    }
    return Math.max(...this.nodes.map(({ lane }) => lane.pausedUntilMs))
  }

  #makeServer(name: TierName): SimulatedServer {
    const { time, switchedOff, trace } = this.#parts
    const holder: { skewMs: number } = { skewMs: 0 }
    const nowMs = (): number => 1_700_000_000_000 + time.nowMs + holder.skewMs
    const keyspace = new Keyspace(nowMs)
    const publish = (message: LoggedInvalidation): void => {
      for (const line of this.#lines) line.publish(message)
    }
    const clockParts = { keyspace, nowMicros: () => nowMs() * 1_000, maxLog: LONGEST_LOG, publish, switchedOff }
    const clock = name === 'redis' ? new FakeRedisClock(clockParts) : new FakeRowClock({ ...clockParts, publish: () => {} })
    const server = new FakeServer({ keyspace, nowMs, clock: traced(trace, name, clock), leaseWithEntry: name === 'redis', switchedOff })
    return Object.assign(holder, { server })
  }

  #makeNode(): SimulatedNode {
    const process = this.#processes++
    const { schedule, time, trace, switchedOff } = this.#parts
    const lane: Lane = { name: `node ${process}`, pausedUntilMs: 0, gone: false }
    const clock = new LaneClock(time, lane, this.#random.below(1_000_000))
    clock.wallOffsetMs = this.#random.between(-600_000, 600_000)
    const links = new Map(schedule.tiers.map((name) => [name, healthy(name)]))
    const busState: BusState = { loss: 0, duplication: this.#random.pick([0, 0.2]) }
    const told = new Map<string, number>()
    const line = (link: Link): BusLine =>
      new BusLine({ link, random: this.#ownRandom(), state: busState, told: switchedOff.has('gap') ? told : undefined })
    let bus: BusLine | undefined
    const tiers = schedule.tiers.map((name) => {
      const link = this.#link(name, lane, links.get(name) ?? healthy(name))
      if (name === 'redis') this.#lines.add((bus = line(link)))
      const server = traced(trace, `${lane.name} → ${name}`, this.#serverOf(name))
      return fakeTier({ name, link, server, bus: name === 'redis' ? bus : undefined, told })
    })
    const random = this.#ownRandom()
    let tokens = 0
    const cache = createCache({
      policies: [definePolicy({ ...POLICY, memoryTtlMs: schedule.memoryTtlMs })],
      tiers,
      // Small, since making room for many costs more than the rest of a simulation.
      memory: { maxEntries: 16 },
      environment: ENVIRONMENT,
      version: VERSION,
      clock,
      random: random.next,
      newToken: () => `n${process}.${++tokens}`,
      consistency: { heartbeatMs: HEARTBEAT_MS, verifyWithinMs: VERIFY_WITHIN_MS },
      guard: { budgetMs: BUDGET_MS, backgroundBudgetMs: 500, cooldownMs: 100, longestCooldownMs: 800 },
    })
    if (trace !== undefined)
      for (const event of ['resync', 'tier-state'] as const) cache.on(event, (facts) => trace(`${lane.name} ${event}`, facts))
    return { process, lane, clock, cache, links, busState, bus }
  }

  /** One for each, so that a step left out changes as little as possible elsewhere. */
  #ownRandom(): Random {
    return new Random(this.#random.below(2 ** 31))
  }

  #serverOf(name: TierName): FakeServer {
    const found = this.server(name)
    if (found === undefined) throw new TypeError(`there is no ${name}`)
    return found.server
  }

  #link(name: TierName, lane: Lane, state: LinkState): Link {
    const { time, schedule } = this.#parts
    return new Link({ time, lane, random: this.#ownRandom(), state, fastestMs: HEALTHY[name].fastestMs, reorders: schedule.reorders })
  }
}

export function healthy(name: TierName): LinkState {
  return { down: false, loss: 0, slowestMs: HEALTHY[name].slowestMs }
}
