/** Time in which a further signal is the same request, in milliseconds. */
const SAME_REQUEST_MS = 500

/** What one needs of a process to hear of its signals. */
export interface SignalSource {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/**
 * Aborts at the first Ctrl-C or SIGTERM, for an orderly end; `force` is called at a second one. Ctrl-C under `npm start`
 * arrives twice within milliseconds, from the terminal and forwarded by npm: that is one request.
 */
export function stopOnSignals(source: SignalSource, { force, nowMs }: { force: () => void; nowMs: () => number }): AbortSignal {
  const stopping = new AbortController()
  let firstAtMs = 0
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    source.on(name, () => {
      if (!stopping.signal.aborted) {
        firstAtMs = nowMs()
        stopping.abort(new Error(`received ${name}`))
      } else if (nowMs() - firstAtMs >= SAME_REQUEST_MS) force()
    })
  }
  return stopping.signal
}
