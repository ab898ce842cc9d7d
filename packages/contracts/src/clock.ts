/** A started timer; `cancel` may be called any number of times, also after it fired. */
export interface Timer {
  cancel(): void
}

export interface TimerOptions {
  /** Whether the timer alone keeps the process alive. @default false */
  readonly keepAlive?: boolean
}

/** Time as a dependency, so that tests move it instead of waiting. */
export interface Clock {
  /** Wall-clock instant for people and storage; may jump. */
  now(): Date
  /** Milliseconds from an arbitrary origin; never goes back. For durations and deadlines. */
  monotonicMs(): number
  /** Runs `callback` once, after at least `delayMs`. Delays above 2^31−1 ms are waited in full, not wrapped. */
  schedule(delayMs: number, callback: () => void, options?: TimerOptions): Timer
}

const LONGEST_NATIVE_DELAY_MS = 2 ** 31 - 1

/** The operating system's clocks. */
export const systemClock: Clock = Object.freeze({
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  schedule: scheduleNatively,
})

function scheduleNatively(delayMs: number, callback: () => void, options: TimerOptions = {}): Timer {
  let handle: NodeJS.Timeout
  const arm = (remainingMs: number): void => {
    // Node fires a longer timeout at once, so long waits are made of several.
    const nextMs = Math.min(remainingMs, LONGEST_NATIVE_DELAY_MS)
    handle = setTimeout(() => (remainingMs > nextMs ? arm(remainingMs - nextMs) : callback()), nextMs)
    if (options.keepAlive !== true) handle.unref()
  }
  arm(Math.max(0, delayMs))
  return { cancel: () => clearTimeout(handle) }
}

/**
 * Resolves after `delayMs` on `clock`; rejects with the signal's reason as soon as it aborts.
 * The wait keeps the process alive, since somebody is waiting for it.
 */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason as Error)
    }
    const timer = clock.schedule(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      },
      { keepAlive: true },
    )
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
