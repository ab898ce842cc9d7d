/** One name → payload map per package, in its `events.ts`. Declared as an interface: payloads are objects. */
export type EventMap<Events> = { readonly [Name in keyof Events]: object }

export type EventListener<Payload> = (payload: Payload) => void

/** What a package shows of its events: subscribing, not emitting. */
export interface EventSource<Events extends EventMap<Events>> {
  /** Subscribes; the returned function unsubscribes. */
  on<Name extends keyof Events>(name: Name, listener: EventListener<Events[Name]>): () => void
}

/** Told of a listener that threw; must not throw itself. */
export type ListenerErrorHandler = (error: unknown, eventName: PropertyKey) => void

/**
 * Synchronous typed events. A listener that throws disturbs neither the emitter nor the other listeners: the error
 * goes to `onListenerError`, by default to a process warning, so that it is seen.
 */
export class TypedEvents<Events extends EventMap<Events>> implements EventSource<Events> {
  readonly #listeners = new Map<keyof Events, readonly EventListener<never>[]>()
  readonly #onListenerError: ListenerErrorHandler

  constructor(onListenerError: ListenerErrorHandler = warnOfListenerError) {
    this.#onListenerError = onListenerError
  }

  on<Name extends keyof Events>(name: Name, listener: EventListener<Events[Name]>): () => void {
    // Wrapped, so that the same function subscribed twice is two subscriptions.
    const subscription: EventListener<Events[Name]> = (payload) => listener(payload)
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), subscription])
    return () => {
      const rest = (this.#listeners.get(name) ?? []).filter((other) => other !== subscription)
      if (rest.length === 0) this.#listeners.delete(name)
      else this.#listeners.set(name, rest)
    }
  }

  /** Whether anybody listens: lets a hot path skip building the payload. */
  hasListeners(name: keyof Events): boolean {
    return this.#listeners.has(name)
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const listeners = this.#listeners.get(name) as readonly EventListener<Events[Name]>[] | undefined
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        listener(payload)
      } catch (error) {
        this.#onListenerError(error, name)
      }
    }
  }
}

function warnOfListenerError(error: unknown, eventName: PropertyKey): void {
  process.emitWarning(
    `listener of "${String(eventName)}" threw: ${error instanceof Error ? error.message : String(error)}`,
    'ListenerError',
  )
}
