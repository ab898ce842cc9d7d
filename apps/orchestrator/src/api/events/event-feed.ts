import { delay, type Clock } from '@cidadao/contracts'
import type { OwnerScope } from '@cidadao/db'
import type { EventPageView, InvestigationApi } from '../api-ports.ts'

export interface EventFeedOptions {
  readonly investigations: Pick<InvestigationApi, 'events' | 'onChange'>
  readonly clock: Clock
  /** How often is looked without being told: what other processes do is not told here. In milliseconds. */
  readonly pollMs: number
}

export interface EventQuestion {
  readonly id: string
  readonly scope: OwnerScope
  readonly after: number
  readonly limit: number
}

/** Reads events for many listeners: those who ask the same at the same time cost one read. */
export class EventFeed {
  readonly #options: EventFeedOptions
  readonly #reads = new Map<string, Promise<EventPageView>>()
  readonly #changes = new Map<string, PromiseWithResolvers<void>>()
  readonly #unsubscribe: () => void

  constructor(options: EventFeedOptions) {
    this.#options = options
    this.#unsubscribe = options.investigations.onChange((id) => {
      this.#changes.get(id)?.resolve()
      this.#changes.delete(id)
    })
  }

  /** Throws what `InvestigationApi.events` throws. */
  read({ id, scope, after, limit }: EventQuestion): Promise<EventPageView> {
    const question = JSON.stringify([id, scope, after, limit])
    const underWay = this.#reads.get(question)
    if (underWay !== undefined) return underWay
    const reading = this.#options.investigations.events(id, scope, { after, limit }).finally(() => this.#reads.delete(question))
    this.#reads.set(question, reading)
    return reading
  }

  /** Ask for it before reading, so that nothing which comes meanwhile is missed: resolves at the next change of that investigation. */
  nextChange(id: string): Promise<void> {
    const known = this.#changes.get(id) ?? Promise.withResolvers<void>()
    this.#changes.set(id, known)
    return known.promise
  }

  /** Until there may be something new, or the signal aborts. */
  async waitFor(change: Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, pollMs } = this.#options
    const over = new AbortController()
    const stop = (): void => over.abort()
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (signal.aborted) return
      // Being told that it is over is no failure of the wait.
      await Promise.race([change, delay(clock, pollMs, over.signal).catch(() => {})])
    } finally {
      over.abort()
      signal.removeEventListener('abort', stop)
    }
  }

  close(): void {
    this.#unsubscribe()
    for (const { resolve } of this.#changes.values()) resolve()
    this.#changes.clear()
  }
}
