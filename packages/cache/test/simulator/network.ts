import { TierUnavailableError } from '../../src/errors.ts'
import type { Random } from './random.ts'
import type { Lane, VirtualTime } from './virtual-time.ts'

/** How a process and a server reach each other. Changed while a simulation runs. */
export interface LinkState {
  /** Nothing listens: refused at once. */
  down: boolean
  /** Part of the messages that are lost, each way; their caller learns it late. */
  loss: number
  /** Longest way of a message, in milliseconds. */
  slowestMs: number
}

export interface LinkParts {
  readonly time: VirtualTime
  readonly random: Random
  readonly lane: Lane
  readonly fastestMs: number
  readonly state: LinkState
  /** Answers and commands may overtake each other, as on several connections. */
  readonly reorders: boolean
}

const SHORTEST_RESET_MS = 20
const LONGEST_RESET_MS = 700
const REFUSAL_MS = 0.5

/** The way from one process to one server and back. */
export class Link {
  readonly #parts: LinkParts
  #lastThereMs = 0
  #lastBackMs = 0

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  /** `execute` happens at the server, once or, when the command is lost, never; the caller may not learn which. */
  call<T>(execute: () => T): Promise<T> {
    const { time, lane, random, state } = this.#parts
    return new Promise((resolve, reject) => {
      const fail = (afterMs: number, reason: string): void => void time.after(afterMs, () => reject(new TierUnavailableError(reason)), lane)
      if (state.down) return fail(REFUSAL_MS, 'connection refused')
      if (random.chance(state.loss)) return fail(random.between(SHORTEST_RESET_MS, LONGEST_RESET_MS), 'connection reset')
      time.after(this.#thereMs(), () => {
        if (state.down) return fail(REFUSAL_MS, 'connection closed')
        const answer = outcomeOf(execute)
        if (random.chance(state.loss)) return fail(random.between(SHORTEST_RESET_MS, LONGEST_RESET_MS), 'connection reset')
        time.after(this.#backMs(), () => (answer.ok ? resolve(answer.value) : reject(answer.error)), lane)
      })
    })
  }

  /** One message from the server, which may be lost. */
  deliver(run: () => void): void {
    const { time, lane, random, state } = this.#parts
    if (state.down || random.chance(state.loss)) return
    time.after(this.#backMs(), run, lane)
  }

  #thereMs(): number {
    this.#lastThereMs = this.#inOrder(this.#lastThereMs)
    return this.#lastThereMs - this.#parts.time.nowMs
  }

  #backMs(): number {
    this.#lastBackMs = this.#inOrder(this.#lastBackMs)
    return this.#lastBackMs - this.#parts.time.nowMs
  }

  #inOrder(lastMs: number): number {
    const { time, random, fastestMs, state, reorders } = this.#parts
    // Most are quick: a long way is the exception that lets others overtake.
    const way = random.next() ** 3
    const atMs = time.nowMs + fastestMs + way * (state.slowestMs - fastestMs)
    return reorders ? atMs : Math.max(lastMs, atMs)
  }
}

function outcomeOf<T>(run: () => T): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Error } {
  try {
    return { ok: true, value: run() }
  } catch (error) {
    return { ok: false, error: error as Error }
  }
}
