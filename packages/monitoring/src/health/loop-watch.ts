import type { Clock } from '@cidadao/contracts'
import { MonitoringOptionsError } from '../errors.ts'

/** Held by a background loop that must not die unnoticed. */
export interface LoopWatch {
  /** Called by the loop each time it comes by. */
  beat(): void
  /** The loop ended on purpose. */
  end(): void
}

interface WatchedLoop {
  readonly name: string
  readonly maxSilenceMs: number
  lastBeatMs: number
}

/** The loops that `livez` looks at. */
export class LoopWatches {
  readonly #clock: Clock
  readonly #loops = new Set<WatchedLoop>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  watch(name: string, maxSilenceMs: number): LoopWatch {
    if (!(maxSilenceMs > 0)) throw new MonitoringOptionsError(`watchLoop ${name}: maxSilenceMs must be positive; got ${maxSilenceMs}`)
    const loop: WatchedLoop = { name, maxSilenceMs, lastBeatMs: this.#clock.monotonicMs() }
    this.#loops.add(loop)
    return {
      beat: () => {
        loop.lastBeatMs = this.#clock.monotonicMs()
      },
      end: () => void this.#loops.delete(loop),
    }
  }

  silent(): readonly string[] {
    const nowMs = this.#clock.monotonicMs()
    return [...this.#loops].filter((loop) => nowMs - loop.lastBeatMs > loop.maxSilenceMs).map((loop) => loop.name)
  }
}
