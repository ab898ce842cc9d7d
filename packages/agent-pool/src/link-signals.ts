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
    for (const [source, onAbort] of followed) source.removeEventListener('abort', onAbort)
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
    source.addEventListener('abort', onAbort, { once: true })
  }
  return { signal: controller.signal, abort, dispose }
}
