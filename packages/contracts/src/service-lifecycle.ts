import type { Service } from './service.ts'

/** What differs from one service to the next; the rules of starting and stopping twice are here, once. */
export interface ServiceParts {
  readonly name: string
  /** Brings the service up. If it throws, `stop` is not called: undo what was done. */
  start(signal: AbortSignal | undefined): Promise<void>
  /** Takes the service down; called once for each successful `start`. */
  stop(): Promise<void>
}

/**
 * A service of two plain functions. Idle → starting → running → stopping → idle, one at a time:
 *
 * - *idle*: nothing runs; `stop` does nothing, `start` begins.
 * - *starting*: further `start` calls share the outcome; `stop` waits for it, then stops. A failure returns to idle,
 *   so that starting can be tried again.
 * - *running*: `start` does nothing.
 * - *stopping*: further `stop` calls share the outcome; `start` waits for it, then starts anew. Failing to stop still
 *   ends in idle, and the error reaches the caller.
 */
export function defineService(parts: ServiceParts): Service {
  let state: State = { phase: 'idle' }

  const settleTo = (promise: Promise<void>, whenDone: State, whenFailed: State): Promise<void> =>
    promise.then(
      () => {
        state = whenDone
      },
      (error: unknown) => {
        state = whenFailed
        throw error
      },
    )

  const start = async (signal?: AbortSignal): Promise<void> => {
    switch (state.phase) {
      case 'running':
        return
      case 'starting':
        return state.outcome
      case 'stopping':
        await state.outcome.catch(() => {})
        return start(signal)
      case 'idle': {
        signal?.throwIfAborted()
        const outcome = settleTo(parts.start(signal), { phase: 'running' }, { phase: 'idle' })
        state = { phase: 'starting', outcome }
        return outcome
      }
    }
  }

  const stop = async (): Promise<void> => {
    switch (state.phase) {
      case 'idle':
        return
      case 'stopping':
        return state.outcome
      case 'starting':
        await state.outcome.catch(() => {})
        return stop()
      case 'running': {
        const outcome = settleTo(parts.stop(), { phase: 'idle' }, { phase: 'idle' })
        state = { phase: 'stopping', outcome }
        return outcome
      }
    }
  }

  return { name: parts.name, start, stop }
}

type State =
  | { readonly phase: 'idle' }
  | { readonly phase: 'starting'; readonly outcome: Promise<void> }
  | { readonly phase: 'running' }
  | { readonly phase: 'stopping'; readonly outcome: Promise<void> }
