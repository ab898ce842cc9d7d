/** A signal that follows others until it is disposed of. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  /** Aborts this signal alone. */
  abort(reason: unknown): void
  /** Stops following and lets the sources forget this signal. Does not abort. May be called twice. */
  dispose(): void
}

/**
 * A signal that aborts as soon as one of `sources` does, with its reason.
 *
 * For sources that outlive the work, such as a process-wide shutdown signal: `AbortSignal.any` leaves it to the
 * garbage collector to untie the result from its sources and keeps it for good where somebody listens, so a busy
 * process grows. This one is untied by `dispose()`.
 */
export function linkSignals(sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController()
  const followed = new Map<AbortSignal, () => void>()

  const dispose = (): void => {
    for (const [source, onAbort] of followed) unfollow(source, onAbort)
    followed.clear()
  }
  const abort = (reason: unknown): void => {
    dispose()
    controller.abort(reason)
  }

  for (const source of sources) {
    if (source === undefined || followed.has(source)) continue
    if (source.aborted) {
      abort(source.reason)
      break
    }
    const onAbort = (): void => abort(source.reason)
    followed.set(source, onAbort)
    follow(source, onAbort)
  }
  return { signal: controller.signal, abort, dispose }
}

interface Followers {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

/**
 * All followers of a source share one listener: a signal looks for duplicates among its listeners one by one, so
 * that ten thousand runs with the same signal took seconds.
 */
const followersOf = new WeakMap<AbortSignal, Followers>()

function follow(source: AbortSignal, callback: () => void): void {
  const present = followersOf.get(source)
  if (present !== undefined) {
    present.callbacks.add(callback)
    return
  }
  const callbacks = new Set([callback])
  const listener = (): void => {
    // A follower that is disposed of by an earlier one leaves the set and is passed over.
    for (const each of callbacks) each()
    followersOf.delete(source)
  }
  followersOf.set(source, { callbacks, listener })
  source.addEventListener('abort', listener, { once: true })
}

function unfollow(source: AbortSignal, callback: () => void): void {
  const followers = followersOf.get(source)
  if (followers === undefined) return
  followers.callbacks.delete(callback)
  if (followers.callbacks.size > 0) return
  source.removeEventListener('abort', followers.listener)
  followersOf.delete(source)
}
