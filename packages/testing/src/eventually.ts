import { delay, systemClock, toError, type Clock } from '@cidadao/contracts'
import { EventuallyTimeoutError } from './errors.ts'

export interface EventuallyOptions {
  /** How long to go on trying, in milliseconds. There is no default: a test says what it waits for, and how long. */
  readonly deadlineMs: number
  /** Pause between tries, in milliseconds. @default 20 */
  readonly intervalMs?: number
  /** @default `systemClock` */
  readonly clock?: Clock
}

const DEFAULT_INTERVAL_MS = 20

/**
 * Tries `assertion` until it does not throw, and returns what it returns.
 *
 * @throws EventuallyTimeoutError after `deadlineMs`, with the last failure as `cause`, also while a try hangs
 */
export async function eventually<T>(assertion: () => T | Promise<T>, options: EventuallyOptions): Promise<T> {
  const { deadlineMs, intervalMs = DEFAULT_INTERVAL_MS, clock = systemClock } = options
  const startedMs = clock.monotonicMs()
  let last: Error = new Error('the first try did not end')
  const over = new AbortController()
  const deadline = delay(clock, deadlineMs, over.signal).then(() => timeout(deadlineMs, last))
  // Aborting the wait is how it ends when the assertion holds.
  deadline.catch(() => {})
  try {
    for (;;) {
      const outcome = await Promise.race([attempt(assertion), deadline])
      if (outcome instanceof EventuallyTimeoutError) throw outcome
      if (outcome.kind === 'held') return outcome.value
      last = outcome.error
      if (clock.monotonicMs() - startedMs >= deadlineMs) throw timeout(deadlineMs, last)
      await Promise.race([delay(clock, intervalMs, over.signal), deadline])
    }
  } finally {
    over.abort()
  }
}

type Attempt<T> = { readonly kind: 'held'; readonly value: T } | { readonly kind: 'failed'; readonly error: Error }

async function attempt<T>(assertion: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { kind: 'held', value: await assertion() }
  } catch (thrown) {
    return { kind: 'failed', error: toError(thrown) }
  }
}

function timeout(deadlineMs: number, last: Error): EventuallyTimeoutError {
  return new EventuallyTimeoutError(`did not hold within ${String(deadlineMs)} ms: ${last.message}`, { cause: last, facts: { deadlineMs } })
}
