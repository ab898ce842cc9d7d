import type { Clock, Timer } from '@cidadao/contracts'

/** What events belong to: a process, which can stand still or be gone. */
export interface Lane {
  readonly name: string
  pausedUntilMs: number
  gone: boolean
}

interface Event {
  atMs: number
  /** When it was meant to happen: what waited for a paused lane happens in this order. */
  readonly dueMs: number
  readonly order: number
  readonly lane: Lane | undefined
  run: (() => void) | undefined
}

/**
 * Time that moves from event to event. Exactly one event happens at a time, and every promise that it settles has run
 * its course before the next: so a schedule has one course, whatever the machine.
 */
export class VirtualTime {
  readonly #heap: Event[] = []
  #nowMs = 0
  #order = 0
  #happened = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Events that have happened: finer than time. */
  get moment(): number {
    return this.#happened
  }

  after(delayMs: number, run: () => void, lane?: Lane): Timer {
    const atMs = this.#nowMs + Math.max(0, delayMs)
    const event: Event = { atMs, dueMs: atMs, order: this.#order++, lane, run }
    this.#push(event)
    return {
      cancel: () => {
        event.run = undefined
      },
    }
  }

  /** Timers that were not cancelled, of one lane. */
  pendingOf(lane: Lane): number {
    return this.#heap.filter((event) => event.lane === lane && event.run !== undefined).length
  }

  async runUntil(endMs: number): Promise<void> {
    await yielded()
    for (let event = this.#heap[0]; event !== undefined && event.atMs <= endMs; event = this.#heap[0]) {
      this.#pop()
      const { run, lane } = event
      if (run === undefined || lane?.gone === true) continue
      if (lane !== undefined && lane.pausedUntilMs > event.atMs) {
        event.atMs = lane.pausedUntilMs
        this.#push(event)
        continue
      }
      this.#nowMs = event.atMs
      this.#happened++
      event.run = undefined
      run()
      await settled()
    }
    await yielded()
    this.#nowMs = endMs
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left
      if (child === undefined || !isBefore(child, last)) break
      heap[at] = child
      at = child === left ? 2 * at + 1 : 2 * at + 2
    }
    heap[at] = last
  }
}

function isBefore(one: Event, other: Event): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs
  return one.dueMs === other.dueMs ? one.order < other.order : one.dueMs < other.dueMs
}

/** All promise callbacks that are ready run before the next tick, however deeply chained. A turn of the event loop would cost more. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** Lets the runtime tell of rejections that nobody handled. */
function yielded(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const EPOCH_MS = Date.UTC(2024, 0, 31, 12)

/** A process' own clocks: the wall clock may be wrong and jump, the other begins anywhere. */
export class LaneClock implements Clock {
  readonly #time: VirtualTime
  readonly #lane: Lane
  readonly #originMs: number
  wallOffsetMs = 0

  constructor(time: VirtualTime, lane: Lane, originMs: number) {
    this.#time = time
    this.#lane = lane
    this.#originMs = originMs
  }

  now(): Date {
    return new Date(EPOCH_MS + this.#time.nowMs + this.wallOffsetMs)
  }

  monotonicMs(): number {
    return this.#originMs + this.#time.nowMs
  }

  schedule(delayMs: number, callback: () => void): Timer {
    return this.#time.after(delayMs, callback, this.#lane)
  }
}
