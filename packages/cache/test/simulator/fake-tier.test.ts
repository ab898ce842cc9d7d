import { TestClock } from '@cidadao/contracts'
import type { Tier } from '../../src/tiers/tier.ts'
import { clockConformance } from '../clock-conformance.ts'
import { tierConformance } from '../tier-conformance.ts'
import { BusLine } from './fake-bus.ts'
import { FakeRedisClock, FakeRowClock } from './fake-clocks.ts'
import { FakeServer } from './fake-server.ts'
import { fakeTier } from './fake-tier.ts'
import { Keyspace } from './keyspace.ts'
import { Random } from './random.ts'

// The simulator is worth as much as its fakes: they do what the suites ask of the real servers.

const direct = { call: async <T>(execute: () => T): Promise<T> => execute() }

function bareTier(clock: TestClock, kind: 'redis' | 'postgres'): Tier {
  const nowMs = (): number => clock.now().getTime()
  const keyspace = new Keyspace(nowMs)
  const switchedOff = new Set<never>()
  const parts = { keyspace, nowMicros: () => nowMs() * 1_000, maxLog: 200, publish: () => {}, switchedOff }
  const serverClock = kind === 'redis' ? new FakeRedisClock(parts) : new FakeRowClock(parts)
  const server = new FakeServer({ keyspace, nowMs, clock: serverClock, leaseWithEntry: kind === 'redis', switchedOff })
  const link = { call: direct.call, deliver: () => {} } as never
  const bus =
    kind === 'redis' ? new BusLine({ link, random: new Random(1), state: { loss: 0, duplication: 0 }, told: undefined }) : undefined
  return fakeTier({ name: kind, link: direct, server, bus })
}

for (const kind of ['redis', 'postgres'] as const) {
  const clock = new TestClock()
  const tier = bareTier(clock, kind)
  tierConformance(`fake ${kind}`, { tier: () => tier, pass: (ms) => clock.advance(ms), fenced: true })
  clockConformance(`fake ${kind}`, { tier: () => tier, pass: (ms) => clock.advance(ms), beyondLog: 250 })
}
