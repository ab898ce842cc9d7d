import type { TierKey } from '../key.ts'

/** What the callers of a flight can have while it goes on. */
export interface Offer<T> {
  readonly value: T
  readonly untilMs: number
  /** Called for each caller that takes it. */
  readonly onTaken: () => void
}

/** What a flight's producer sees of it. */
export interface FlightControl<T = unknown> {
  /** For callers whose patience ends before the flight does. A later offer takes the place of an earlier one. */
  offer(offer: Offer<T>): void
  /** Aborts when nobody waits any more. Made when first asked for: it costs more than a read of Redis. */
  readonly signal: AbortSignal
}

/** What a caller's patience sees of the flight that it waits for. */
export interface FlightView<T> {
  readonly beganAtMs: number
  /** Resolves with the first offer. */
  readonly offered: Promise<unknown>
  offerNow(): Offer<T> | undefined
}

/** Ends one caller's wait, and neither the flight nor anybody else's. */
export interface Patience<T> {
  readonly ended: Promise<T>
  cancel(): void
}

export interface Waiter<T> {
  /** Leaves the flight, which ends with the last caller that leaves so. */
  readonly signal: AbortSignal | undefined
  /** Ends the wait otherwise: the flight goes on, in the background if need be. @default the flight's own end */
  readonly patience?: ((flight: FlightView<T>) => Patience<T>) | undefined
}

/**
 * One run of a producer that several callers wait for.
 *
 * - *open*: callers join; each can leave by its own signal without disturbing the others.
 * - *detached*: those waiting get its outcome, but new callers start another one: it was invalidated, or nobody is left.
 * - *ended*: by its outcome, or by the departure of the last caller. All waiters end the same way.
 */
class Flight<T> implements FlightControl<T>, FlightView<T> {
  readonly key: TierKey
  readonly beganAtMs: number
  #controller: AbortController | undefined
  #abandoned: { readonly reason: unknown } | undefined
  #offer: Offer<T> | undefined
  #offered: PromiseWithResolvers<unknown> | undefined
  readonly #outcome: Promise<T>
  readonly #abandon: (reason: unknown) => void
  #waiting = 0

  constructor(key: TierKey, run: (flight: FlightControl<T>) => Promise<T>, beganAtMs: number) {
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

  offer(offer: Offer<T>): void {
    this.#offer = offer
    this.#offered?.resolve(undefined)
  }

  offerNow(): Offer<T> | undefined {
    return this.#offer
  }

  get offered(): Promise<unknown> {
    this.#offered ??= Promise.withResolvers()
    if (this.#offer !== undefined) this.#offered.resolve(undefined)
    return this.#offered.promise
  }

  /** The outcome for one more caller. `onEmpty` is called when it was the last one and left. */
  async join({ signal, patience }: Waiter<T>, onEmpty: () => void): Promise<T> {
    signal?.throwIfAborted()
    this.#waiting++
    if (patience === undefined) return this.#untilLeft(this.#outcome, signal, onEmpty)
    const own = patience(this)
    try {
      // Who has lost patience still counts as waiting: the flight goes on.
      return await this.#untilLeft(Promise.race([this.#outcome, own.ended]), signal, onEmpty)
    } finally {
      own.cancel()
    }
  }

  async #untilLeft(outcome: Promise<T>, signal: AbortSignal | undefined, onEmpty: () => void): Promise<T> {
    if (signal === undefined) return outcome
    const left = Promise.withResolvers<never>()
    const leave = (): void => {
      left.reject(signal.reason)
      if (--this.#waiting > 0) return
      onEmpty()
      this.#abandon(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([outcome, left.promise])
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
  fly<T>(key: TierKey, run: (flight: FlightControl<T>) => Promise<T>, waiter: Waiter<T>): Promise<T> {
    // One key belongs to one namespace and so to one type.
    const flight = (this.#open.get(key.id) ?? this.#begin(key, run)) as Flight<T>
    return flight.join(waiter, () => this.#detach(flight as Flight<unknown>))
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

  #begin<T>(key: TierKey, run: (flight: FlightControl<T>) => Promise<T>): Flight<T> {
    const flight = new Flight(key, run, this.#nowMs())
    this.#open.set(key.id, flight as Flight<unknown>)
    const end = (): void => {
      this.#detach(flight as Flight<unknown>)
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
async function invoke<T>(run: (flight: FlightControl<T>) => Promise<T>, flight: FlightControl<T>): Promise<T> {
  return run(flight)
}
