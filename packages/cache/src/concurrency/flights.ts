import type { TierKey } from '../key.ts'

/** What a flight's producer sees of it. */
export interface FlightControl {
  /** Aborts when nobody waits any more. Made when first asked for: it costs more than a read of Redis. */
  readonly signal: AbortSignal
}

/**
 * One run of a producer that several callers wait for.
 *
 * - *open*: callers join; each can leave by its own signal without disturbing the others.
 * - *detached*: those waiting get its outcome, but new callers start another one: it was invalidated, or nobody is left.
 * - *ended*: by its outcome, or by the departure of the last caller. All waiters end the same way.
 */
class Flight<T> implements FlightControl {
  readonly key: TierKey
  readonly beganAtMs: number
  #controller: AbortController | undefined
  #abandoned: { readonly reason: unknown } | undefined
  readonly #outcome: Promise<T>
  readonly #abandon: (reason: unknown) => void
  #waiting = 0

  constructor(key: TierKey, run: (flight: FlightControl) => Promise<T>, beganAtMs: number) {
    this.key = key
    this.beganAtMs = beganAtMs
    const abandoned = Promise.withResolvers<never>()
    this.#abandon = (reason) => {
      this.#abandoned = { reason }
      this.#controller?.abort(reason)
      abandoned.reject(reason)
    }
    this.#outcome = Promise.race([invoke(run, this), abandoned.promise])
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abandoned !== undefined) this.#controller.abort(this.#abandoned.reason)
    }
    return this.#controller.signal
  }

  /** Resolves or rejects when the flight has ended. */
  get ended(): Promise<unknown> {
    return this.#outcome
  }

  /** The outcome for one more caller. `onEmpty` is called when it was the last one and left. */
  async join(signal: AbortSignal | undefined, onEmpty: () => void): Promise<T> {
    signal?.throwIfAborted()
    this.#waiting++
    if (signal === undefined) return this.#outcome
    const left = Promise.withResolvers<never>()
    const leave = (): void => {
      left.reject(signal.reason)
      if (--this.#waiting > 0) return
      onEmpty()
      this.#abandon(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([this.#outcome, left.promise])
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }
}

/** At most one run a key in this process. */
export class Flights {
  readonly #open = new Map<string, Flight<unknown>>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  isOpen(key: TierKey): boolean {
    return this.#open.has(key.id)
  }

  /**
   * Joins the flight of the key, or begins one with `run`. Rejects with the signal's reason when the caller leaves,
   * or with whatever `run` rejected with.
   */
  fly<T>(key: TierKey, run: (flight: FlightControl) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    // One key belongs to one namespace and so to one type.
    const flight = (this.#open.get(key.id) ?? this.#begin(key, run)) as Flight<T>
    return flight.join(signal, () => this.#detach(flight))
  }

  /** Callers from now on do not join what began before. */
  detach(key: TierKey): void {
    this.#open.delete(key.id)
  }

  detachIfOlder(key: TierKey, thanMs: number): void {
    if ((this.#open.get(key.id)?.beganAtMs ?? thanMs) < thanMs) this.#open.delete(key.id)
  }

  detachNamespace(namespace: string): void {
    for (const [id, flight] of this.#open) if (flight.key.namespace === namespace) this.#open.delete(id)
  }

  /** Resolves when nothing is under way, detached flights included. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  #begin<T>(key: TierKey, run: (flight: FlightControl) => Promise<T>): Flight<T> {
    const flight = new Flight(key, run, this.#nowMs())
    this.#open.set(key.id, flight)
    const end = (): void => {
      this.#detach(flight)
      this.#running.delete(ended)
    }
    const ended: Promise<unknown> = flight.ended.then(end, end)
    this.#running.add(ended)
    return flight
  }

  #detach(flight: Flight<unknown>): void {
    if (this.#open.get(flight.key.id) === flight) this.#open.delete(flight.key.id)
  }
}

/** A producer that throws synchronously fails its flight like one that rejects. */
async function invoke<T>(run: (flight: FlightControl) => Promise<T>, flight: FlightControl): Promise<T> {
  return run(flight)
}
