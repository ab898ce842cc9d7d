import { delay, type Clock } from '@cidadao/contracts'

/** What a relay does between two rounds. */
export type Pause =
  | { readonly kind: 'none' }
  /** Ends early when something was committed here. */
  | { readonly kind: 'poll'; readonly ms: number }
  /** Takes its time. */
  | { readonly kind: 'back-off'; readonly ms: number }

/** A relay from one start to its stop. */
export class RelayRun {
  ended: Promise<void> = Promise.resolve()
  unsubscribe: () => void = () => {}
  /** No new round begins. */
  readonly #stopping = new AbortController()
  /** A round under way ends now. */
  readonly #cut = new AbortController()
  #woken = new AbortController()

  get isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  get cut(): AbortSignal {
    return this.#cut.signal
  }

  wake(): void {
    this.#woken.abort()
  }

  /** To be called before looking: what is committed from here on is a reason to look again. */
  forgetWake(): void {
    if (this.#woken.signal.aborted) this.#woken = new AbortController()
  }

  async rest(pause: Pause, clock: Clock): Promise<void> {
    if (pause.kind === 'none') return
    const over = AbortSignal.any(pause.kind === 'poll' ? [this.#stopping.signal, this.#woken.signal] : [this.#stopping.signal])
    await delay(clock, pause.ms, over).catch((reason: unknown) => {
      if (!over.aborted) throw reason
    })
  }

  /** Resolves when the last round has ended; one that lasts longer is cut. */
  async stop(clock: Clock, timeoutMs: number): Promise<void> {
    this.unsubscribe()
    this.#stopping.abort()
    const timer = clock.schedule(timeoutMs, () => this.#cut.abort(new Error('the outbox relay was stopped')), { keepAlive: true })
    await this.ended
    timer.cancel()
  }
}
