import { defineService, toError, type Clock, type Service, type Timer } from '@cidadao/contracts'

export interface RepeatOptions {
  readonly name: string
  /** Pause between the end of one run and the next, in milliseconds. */
  readonly everyMs: number
  readonly clock: Clock
  /** One run, the first right after the start. The signal aborts when the service stops. */
  readonly run: (signal: AbortSignal) => Promise<void>
  /** A run failed for another reason than stopping; the next one comes. */
  readonly onFailed: (error: Error) => void
}

/** Does something again and again. Starting does not wait for the first run, stopping does for the one under way. */
export function repeat({ name, everyMs, clock, run, onFailed }: RepeatOptions): Service {
  let stopping = new AbortController()
  let timer: Timer | undefined
  let underway: Promise<void> = Promise.resolve()
  const cycle = async (): Promise<void> => {
    try {
      await run(stopping.signal)
    } catch (error) {
      if (!stopping.signal.aborted) onFailed(toError(error))
    }
    if (stopping.signal.aborted) return
    timer = clock.schedule(everyMs, () => {
      underway = cycle()
    })
  }
  return defineService({
    name,
    start: async () => {
      stopping = new AbortController()
      underway = cycle()
    },
    stop: async () => {
      stopping.abort(new DOMException(`${name} is stopping`, 'AbortError'))
      timer?.cancel()
      await underway
    },
  })
}
