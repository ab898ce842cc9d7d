import { TierRejectedError, TierUnavailableError } from '../src/errors.ts'
import type { TierKey } from '../src/key.ts'
import type { BusListener, InvalidationBus, LogicalClock } from '../src/consistency/logical-clock.ts'
import type { Tier, TierFence, TierLease } from '../src/tiers/tier.ts'

export type Operation =
  'read' | 'write' | 'delete' | 'clear' | 'probe' | 'fenced-read' | 'fill' | 'discard' | 'lease' | 'advance' | 'clock-read' | 'sweep'
type Fault = 'down' | 'hangs' | 'rejects'

/** A tier whose operations can be held, failed or made to hang, by wrapping the port. */
export interface FaultyTier extends Tier {
  /** Every operation that reached the tier, in order. */
  readonly calls: Operation[]
  /** From now on, until `heal`; of all operations or of some. */
  fail(fault: Fault, operations?: readonly Operation[]): void
  heal(): void
  /** The next such operation waits until released: before it reaches the tier, or after it took effect. */
  hold(operation: Operation, where?: 'before' | 'after'): { readonly reached: Promise<void>; release(): void }
  /** From now on, until `hear` or `hearAgain`, the bus delivers nothing; what it would have is lost. */
  deafen(): void
  /** The bus delivers again, and nobody is told that it did not. */
  hear(): void
  /** The subscription is made anew, as after a reconnection. */
  hearAgain(): void
}

interface Hold {
  readonly operation: Operation
  readonly where: 'before' | 'after'
  readonly reached: () => void
  readonly released: Promise<void>
}

export interface FaultyTierOptions {
  /** @default true */
  readonly fenced?: boolean
  /** With the inner tier's clock, bus and lease. @default false */
  readonly clocked?: boolean
}

export function faultyTier(inner: Tier, options: FaultyTierOptions = {}): FaultyTier {
  const calls: Operation[] = []
  const holds: Hold[] = []
  let fault: { readonly kind: Fault; readonly operations: readonly Operation[] | undefined } | undefined

  const pass = async <T>(operation: Operation, run: () => Promise<T>): Promise<T> => {
    calls.push(operation)
    if (fault !== undefined && (fault.operations?.includes(operation) ?? true)) {
      if (fault.kind === 'down') throw new TierUnavailableError('connection refused')
      if (fault.kind === 'rejects') throw new TierRejectedError('out of memory')
      await new Promise(() => {})
    }
    const index = holds.findIndex((hold) => hold.operation === operation)
    const [hold] = index < 0 ? [] : holds.splice(index, 1)
    if (hold?.where === 'before') {
      hold.reached()
      await hold.released
    }
    const result = await run()
    if (hold?.where === 'after') {
      hold.reached()
      await hold.released
    }
    return result
  }

  const wrapFence = (fence: TierFence): TierFence => ({
    read: (key, windowMs, lease) => pass('fenced-read', () => fence.read(key, windowMs, options.clocked === true ? lease : undefined)),
    fill: (key, entry, generation) => pass('fill', () => fence.fill(key, entry, generation)),
    discard: (key, generation) => pass('discard', () => fence.discard(key, generation)),
  })
  const fence = options.fenced === false || inner.fence === undefined ? {} : { fence: wrapFence(inner.fence) }
  const ear = deafableBus(inner.bus)
  const { clock, lease } = inner
  const coordination =
    options.clocked === true && clock !== undefined && lease !== undefined
      ? { clock: wrapClock(clock, pass), lease: wrapLease(lease, pass), bus: ear.bus, sweep: sweepOf(inner, pass) }
      : {}
  return {
    ...coordination,
    deafen: ear.deafen,
    hear: ear.hear,
    hearAgain: ear.hearAgain,
    name: inner.name,
    calls,
    read: (key: TierKey) => pass('read', () => inner.read(key)),
    write: (key, entry) => pass('write', () => inner.write(key, entry)),
    delete: (key) => pass('delete', () => inner.delete(key)),
    clear: (namespace) => pass('clear', async () => inner.clear?.(namespace)),
    probe: () => pass('probe', () => inner.probe()),
    ...fence,
    fail: (kind, operations) => {
      fault = { kind, operations }
    },
    heal: () => {
      fault = undefined
    },
    hold: (operation, where = 'before') => {
      const reached = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      holds.push({ operation, where, reached: reached.resolve, released: released.promise })
      return { reached: reached.promise, release: () => released.resolve() }
    },
  }
}

type Pass = <T>(operation: Operation, run: () => Promise<T>) => Promise<T>

function wrapClock(clock: LogicalClock, pass: Pass): LogicalClock {
  return {
    advance: (request) => pass('advance', () => clock.advance(request)),
    read: (request) => pass('clock-read', () => clock.read(request)),
  }
}

function wrapLease(lease: TierLease, pass: Pass): TierLease {
  return {
    acquire: (key, request) => pass('lease', () => lease.acquire(key, request)),
    renew: (key, request) => pass('lease', () => lease.renew(key, request)),
    release: (key, token) => pass('lease', () => lease.release(key, token)),
  }
}

function sweepOf(inner: Tier, pass: Pass): NonNullable<Tier['sweep']> {
  return (namespace, before) => pass('sweep', async () => inner.sweep?.(namespace, before))
}

function deafableBus(inner: InvalidationBus | undefined) {
  const listeners = new Set<BusListener>()
  let deaf = false
  const bus: InvalidationBus = {
    listen: async (installation, listener) => {
      listeners.add(listener)
      const onMessage: BusListener['onMessage'] = (message) => {
        if (!deaf) listener.onMessage(message)
      }
      const heard = await inner?.listen(installation, { ...listener, onMessage })
      return { stop: async () => (listeners.delete(listener), heard?.stop()) }
    },
  }
  return {
    bus,
    deafen: (): void => {
      deaf = true
    },
    hear: (): void => {
      deaf = false
    },
    hearAgain: (): void => {
      deaf = false
      for (const { onInterrupted } of listeners) onInterrupted()
    },
  }
}
