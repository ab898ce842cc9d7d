import { TierUnavailableError } from '../../src/errors.ts'
import type { ClockReading, LogicalClock } from '../../src/consistency/logical-clock.ts'
import type { TierKey } from '../../src/key.ts'
import type { LeasedRead, LeaseRequest, Tier } from '../../src/tiers/tier.ts'
import type { BusLine } from './fake-bus.ts'
import type { FakeServer } from './fake-server.ts'
import type { Link } from './network.ts'

export interface FakeTierParts {
  readonly name: string
  readonly link: Pick<Link, 'call'>
  readonly server: FakeServer
  /** Absent: like PostgreSQL, which has none and cannot sweep by sequence. */
  readonly bus: BusLine | undefined
  /** What the process was told of each namespace's clock last. */
  readonly told?: Map<string, number>
}

/** One process' view of a fake server: the real tiers' steps, each by its own way there and back. */
export function fakeTier({ name, link, server, bus, told }: FakeTierParts): Tier {
  const readToFill = async (key: TierKey, windowMs: number, lease?: LeaseRequest): Promise<LeasedRead> => {
    // As the real tiers do: a plain read first, since most are hits.
    const found = await link.call(() => server.read(key))
    if (found.entry !== undefined) return found
    return link.call(() => server.readToFill(key, windowMs, lease))
  }
  return {
    name,
    read: (key) => link.call(() => server.read(key)),
    write: (key, entry) => link.call(() => server.write(key, entry)),
    delete: (key) => link.call(() => server.delete(key)),
    clear: (namespace) => link.call(() => server.clear(namespace)),
    probe: () => link.call(() => {}),
    fence: {
      read: readToFill,
      fill: (key, entry, generation) => link.call(() => server.fill(key, entry, generation)),
      discard: (key, generation) => link.call(() => server.discard(key, generation)),
    },
    lease: {
      // Of PostgreSQL it is a row of its own.
      outlastsFill: bus === undefined,
      acquire: (key, request) => link.call(() => server.acquire(key, request)),
      renew: (key, request) => link.call(() => server.renew(key, request)),
      release: (key, token) => link.call(() => server.release(key, token)),
    },
    clock: clockOver(link, server, told),
    ...(bus && { bus, sweep: (namespace: string, before: number) => link.call(() => server.sweep(namespace, before)) }),
  }
}

function clockOver(link: Pick<Link, 'call'>, server: FakeServer, told: Map<string, number> | undefined): LogicalClock {
  const heard = async (namespace: string, reading: Promise<ClockReading>): Promise<ClockReading> => {
    const answer = await reading
    if (!Number.isSafeInteger(answer.sequence)) throw new TierUnavailableError('a sequence beyond all numbers')
    told?.set(namespace, Math.max(told.get(namespace) ?? 0, answer.sequence))
    return answer
  }
  return {
    advance: (request) =>
      heard(
        request.namespace,
        link.call(() => server.clock.advance(request)),
      ),
    read: (request) =>
      heard(
        request.namespace,
        link.call(() => server.clock.read(request)),
      ),
  }
}
