import type { Clock } from '@cidadao/contracts'
import type { Redis } from 'ioredis'

interface Sample {
  /** The server's time less ours, at most. */
  readonly offsetMs: number
  readonly takenAtMs: number
  /** The connection that it was taken over: another one may lead to another server. */
  readonly stream: Redis['stream']
}

/** A server's clock may be set; for no longer than this is it believed to run on. */
const LONGEST_USE_MS = 1_000

/**
 * What time it is on a server, told from its answers, so that a read need not ask for the rest of an entry's life. Of
 * all that it may be it is the latest: the server answered after it was asked, and only our own clock has run since. A
 * life measured by it is never too long, except for a second after the server's clock was set back.
 */
export class ServerTime {
  readonly #clock: Clock
  #sample: Sample | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How far it is ahead of our own monotonic clock, in milliseconds; `undefined` when it has to be asked for. */
  offsetMs(client: Redis): number | undefined {
    const sample = this.#sample
    const isOfUse = sample?.stream === client.stream && this.#clock.monotonicMs() - sample.takenAtMs <= LONGEST_USE_MS
    return isOfUse ? sample.offsetMs : undefined
  }

  async ask(client: Redis): Promise<number> {
    const { stream } = client
    const takenAtMs = this.#clock.monotonicMs()
    const [seconds, micros] = await client.time()
    const offsetMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - takenAtMs
    this.#sample = { offsetMs, takenAtMs, stream }
    return offsetMs
  }

  nowMs(offsetMs: number): number {
    return this.#clock.monotonicMs() + offsetMs
  }
}
