import type { TierKey } from '../key.ts'

interface Run<T> {
  readonly key: TierKey
  readonly beganAtMs: number
  readonly outcome: Promise<T>
}

/** Several callers share one run of something short that nobody cancels; cheaper than a flight, which can be. */
export class SharedRuns<T> {
  readonly #open = new Map<string, Run<T>>()
  readonly #running = new Set<Promise<T>>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Joins the open run of the key, or begins one. `signal` ends the caller's wait alone. */
  run(key: TierKey, begin: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { outcome } = this.#open.get(key.id) ?? this.#begin(key, begin)
    return signal === undefined ? outcome : untilAborted(outcome, signal)
  }

  /** Callers from now on do not join what began before. */
  detach(key: TierKey): void {
    this.#open.delete(key.id)
  }

  detachIfOlder(key: TierKey, thanMs: number): void {
    if ((this.#open.get(key.id)?.beganAtMs ?? thanMs) < thanMs) this.#open.delete(key.id)
  }

  detachNamespace(namespace: string): void {
    for (const [id, run] of this.#open) if (run.key.namespace === namespace) this.#open.delete(id)
  }

  /** Resolves when nothing is under way, detached runs included. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  #begin(key: TierKey, begin: () => Promise<T>): Run<T> {
    const beganAtMs = this.#nowMs()
    const outcome = begin()
    const run = { key, beganAtMs, outcome }
    this.#open.set(key.id, run)
    this.#running.add(outcome)
    const end = (): void => {
      if (this.#open.get(key.id) === run) this.#open.delete(key.id)
      this.#running.delete(outcome)
    }
    outcome.then(end, end)
    return run
  }
}

/** Settles as `outcome` does, or rejects with the signal's reason, whichever comes first. */
async function untilAborted<T>(outcome: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([outcome, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
