import type { Clock } from '@cidadao/contracts'
import { TierUnavailableError } from '../errors.ts'

export interface BudgetedOperation<T> {
  /** The operation's outcome, or `TierUnavailableError` once the budget is spent. */
  readonly outcome: Promise<T>
  /** Settles when the operation itself does, however late; rejects with its error. Handled: it may be left alone. */
  readonly settled: Promise<T>
}

/** A slice of time in which the event loop reads its sockets. */
const GRACE_MS = 1

/** Runs an operation that cannot be cancelled, waiting for it no longer than `budgetMs`. */
export function withBudget<T>(clock: Clock, budgetMs: number, run: () => Promise<T>): BudgetedOperation<T> {
  const settled = invoke(run)
  const outcome = new Promise<T>((resolve, reject) => {
    const expire = (): void => reject(new TierUnavailableError(`no answer within ${budgetMs} ms`, { facts: { budgetMs, timeout: true } }))
    let timer = clock.schedule(
      budgetMs,
      () => {
        // If this very process was blocked, the answer is already in the socket: let it be read before judging.
        timer = clock.schedule(GRACE_MS, expire, { keepAlive: true })
      },
      { keepAlive: true },
    )
    // Both ways in one subscription: each further promise would cost every read of a tier.
    settled.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (thrown: unknown) => {
        timer.cancel()
        reject(thrown)
      },
    )
  })
  return { outcome, settled }
}

async function invoke<T>(run: () => Promise<T>): Promise<T> {
  return run()
}
