import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks'
import { defineService, systemClock, type Clock, type Service, type Timer } from '@cidadao/contracts'

/** Windows kept; together they cover a scrape interval of a minute. */
const WINDOWS = 6
const WINDOW_MS = 10_000
/** How often the loop is asked; also what an idle loop reports as its delay, hence subtracted. */
const RESOLUTION_MS = 10

export interface EventLoopReading {
  /** Since the process began. */
  readonly activeMs: number
  readonly idleMs: number
  /** Busy part of the last completed window, 0 to 1. */
  readonly utilization: number
  /** Longest time that the loop was blocked in the last minute. */
  readonly maxDelayMs: number
}

/** Watches the event loop in windows, so that reading changes nothing and no block between two readings is missed. */
export class EventLoopMonitor implements Service {
  readonly name = 'event-loop-monitor'
  readonly #service: Service
  readonly #clock: Clock
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined
  #timer: Timer | undefined
  #windowStart: EventLoopUtilization = performance.eventLoopUtilization()
  #utilization = 0
  #completedMaxMs: number[] = []

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
    this.#service = defineService({ name: this.name, start: async () => this.#watch(), stop: async () => this.#end() })
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#service.start(signal)
  }

  stop(): Promise<void> {
    return this.#service.stop()
  }

  read(): EventLoopReading {
    const { active, idle } = performance.eventLoopUtilization()
    return {
      activeMs: active,
      idleMs: idle,
      utilization: this.#utilization,
      maxDelayMs: Math.max(this.#currentMaxMs(), ...this.#completedMaxMs),
    }
  }

  #watch(): void {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#histogram.enable()
    this.#windowStart = performance.eventLoopUtilization()
    this.#armNextWindow()
  }

  #armNextWindow(): void {
    this.#timer = this.#clock.schedule(WINDOW_MS, () => {
      this.#completedMaxMs = [this.#currentMaxMs(), ...this.#completedMaxMs].slice(0, WINDOWS)
      this.#histogram?.reset()
      const now = performance.eventLoopUtilization()
      this.#utilization = performance.eventLoopUtilization(now, this.#windowStart).utilization
      this.#windowStart = now
      this.#armNextWindow()
    })
  }

  #currentMaxMs(): number {
    return Math.max(0, (this.#histogram?.max ?? 0) / 1e6 - RESOLUTION_MS)
  }

  #end(): void {
    this.#timer?.cancel()
    this.#histogram?.disable()
    this.#histogram = undefined
    this.#completedMaxMs = []
  }
}
