import type { Clock } from '@cidadao/contracts'
import { DeliveryTimeoutError } from '../errors/outbox-errors.ts'

export interface DeliveryBudget {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Aborts when the relay must stop now. */
  readonly cut: AbortSignal
}

/** Runs `work` with a signal, and does not wait for it any longer once that aborts. */
export async function deliverInTime<T>(budget: DeliveryBudget, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeoutMs, cut } = budget
  const over = new AbortController()
  const expire = (): void => over.abort(new DeliveryTimeoutError(`the delivery took longer than ${timeoutMs} ms`, { facts: { timeoutMs } }))
  const timer = clock.schedule(timeoutMs, expire, { keepAlive: true })
  const signal = AbortSignal.any([over.signal, cut])
  try {
    signal.throwIfAborted()
    return await Promise.race([work(signal), whenAborted(signal)])
  } finally {
    timer.cancel()
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
}
