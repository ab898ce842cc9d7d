import { systemClock, type Clock, type TypedEvents } from '@cidadao/contracts'
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  type CircuitBreakerPolicy,
  type RetryPolicy,
} from 'cockatiel'
import {
  CircuitOpenError,
  CommitUnknownError,
  ConnectionLostError,
  DatabaseUnavailableError,
  PoolTimeoutError,
  TransactionLostError,
} from '../errors/connection-errors.ts'
import { DatabaseClosedError, DatabaseError } from '../errors/database-error.ts'
import { AnswerTimeoutError } from '../errors/statement-errors.ts'
import type { BreakerState, DatabaseEvents } from '../events.ts'
import { resolveResilienceOptions, type ResilienceOptions, type ResolvedResilienceOptions } from './resilience-options.ts'

/** Whether the work may be done twice without harm. Decides about failures whose effect is not known. */
export const REPEATABILITIES = ['idempotent', 'once'] as const
export type Repeatability = (typeof REPEATABILITIES)[number]

/** What an attempt may know about those before it. */
export interface AttemptContext {
  /** From 1. */
  readonly attempt: number
  /** Whether an earlier attempt may have taken effect without our learning of it. */
  readonly mayBeDone: boolean
}

export interface ResilienceParts {
  readonly options?: ResilienceOptions
  readonly events: TypedEvents<DatabaseEvents>
  readonly clock?: Clock
}

/**
 * Retry around a circuit breaker around the work.
 *
 * - *closed*: work runs; a transient failure is retried with jittered, growing pauses, bounded by attempts and by time.
 * - *open*: the server was away several times in a row; work fails at once with `CircuitOpenError`.
 * - *half-open*: after a while one call is let through as a probe; those beside it wait for its outcome.
 */
export class Resilience {
  readonly #options: ResolvedResilienceOptions
  readonly #clock: Clock
  readonly #retry: RetryPolicy
  readonly #breaker: CircuitBreakerPolicy

  constructor(parts: ResilienceParts) {
    this.#options = resolveResilienceOptions(parts.options)
    this.#clock = parts.clock ?? systemClock
    const { attempts, initialDelayMs, maxDelayMs, breakAfter, breakForMs } = this.#options
    this.#retry = retry(
      handleWhen((error) => error instanceof WorthRetrying),
      { maxAttempts: attempts, backoff: new ExponentialBackoff({ initialDelay: initialDelayMs, maxDelay: maxDelayMs }) },
    )
    this.#breaker = circuitBreaker(handleWhen(isServerAway), { halfOpenAfter: breakForMs, breaker: new ConsecutiveBreaker(breakAfter) })
    this.#report(parts.events)
  }

  get state(): BreakerState {
    return toBreakerState(this.#breaker.state)
  }

  /**
   * Runs `work`, repeating it where that is safe. Rejects with the last failure; but where an earlier attempt may have
   * taken effect and the last one could not tell, with that earlier failure, whose `effect` is unknown.
   */
  async run<T>(repeatability: Repeatability, work: (context: AttemptContext) => Promise<T>): Promise<T> {
    const deadlineMs = this.#clock.monotonicMs() + this.#options.maxElapsedMs
    let attempt = 0
    let inDoubt: DatabaseError | undefined
    let last: WorthRetrying | undefined
    try {
      return await this.#retry.execute(async () => {
        // The pause before this attempt may have outlasted the time.
        if (last !== undefined && this.#clock.monotonicMs() > deadlineMs) throw last.failure
        attempt += 1
        try {
          return await this.#breaker.execute(() => work({ attempt, mayBeDone: inDoubt !== undefined }))
        } catch (error) {
          if (!isWorthRetrying(error, repeatability)) throw error
          if (error.effect === 'unknown') inDoubt ??= error
          last = new WorthRetrying(error)
          throw last
        }
      })
    } catch (error) {
      const failure = this.#toFailure(error)
      throw inDoubt !== undefined && couldNotTell(failure) ? inDoubt : failure
    }
  }

  #toFailure(error: unknown): unknown {
    if (error instanceof WorthRetrying) return error.failure
    return error instanceof BrokenCircuitError ? this.#circuitOpen(error) : error
  }

  #circuitOpen(cause: BrokenCircuitError): CircuitOpenError {
    const { breakForMs } = this.#options
    return new CircuitOpenError(`the database was away several times in a row: calls fail at once for up to ${breakForMs} ms`, {
      cause,
      facts: { breakForMs },
    })
  }

  #report(events: TypedEvents<DatabaseEvents>): void {
    this.#breaker.onStateChange((state) => events.emit('breaker', { state: toBreakerState(state) }))
    this.#retry.onRetry((reason) => {
      const { attempt, delay: delayMs } = reason
      const failure = 'error' in reason && reason.error instanceof WorthRetrying ? reason.error.failure : undefined
      events.emit('retry', { attempt, delayMs, code: failure?.code ?? 'DB_UNEXPECTED' })
    })
  }
}

/** Carries a failure through the retry policy, which cannot see the deadline or the kind of work. */
class WorthRetrying extends Error {
  readonly failure: DatabaseError

  constructor(failure: DatabaseError) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

function isWorthRetrying(error: unknown, repeatability: Repeatability): error is DatabaseError {
  return error instanceof DatabaseError && error.transient && (error.effect === 'none' || repeatability === 'idempotent')
}

/** An attempt that did not get as far as an answer. It did nothing itself, and knows nothing of those before it. */
function couldNotTell(error: unknown): boolean {
  return [CircuitOpenError, PoolTimeoutError, DatabaseClosedError].some((type) => error instanceof type) || isTransient(error)
}

function isTransient(error: unknown): boolean {
  return error instanceof DatabaseError && error.transient
}

/** Only these say that the server is away, or silent; a refused row or a full pool does not. */
const AWAY = [DatabaseUnavailableError, ConnectionLostError, TransactionLostError, CommitUnknownError, AnswerTimeoutError]

function isServerAway(error: unknown): boolean {
  return AWAY.some((type) => error instanceof type)
}

function toBreakerState(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed'
  return state === CircuitState.HalfOpen ? 'half-open' : 'open'
}
