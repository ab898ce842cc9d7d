import { readFile } from 'node:fs/promises'
import type { Clock, Timer } from '@cidadao/contracts'

export interface MemoryWatchOptions {
  readonly pid: number | undefined
  /** What the process may have as JavaScript heap, in MiB. */
  readonly heapMb: number
  readonly clock: Clock
  onExceeded(): void
}

const INTERVAL_MS = 100
/** What Node itself needs besides the heap of the agent, in MiB. */
const RUNTIME_MB = 128
const PAGE_BYTES = 4_096

/**
 * Watches from outside what a process holds while it works: V8 bounds the heap alone, and an agent that fills buffers
 * never lets its own event loop turn. Where the system has no `/proc`, the heap's bound is all there is.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions
  #timer: Timer | undefined
  #round = 0

  constructor(options: MemoryWatchOptions) {
    this.#options = options
  }

  start(): void {
    if (process.platform !== 'linux' || this.#options.pid === undefined) return
    this.#arm(++this.#round)
  }

  stop(): void {
    this.#round++
    this.#timer?.cancel()
  }

  #arm(round: number): void {
    this.#timer = this.#options.clock.schedule(INTERVAL_MS, () => void this.#look(round))
  }

  async #look(round: number): Promise<void> {
    const heldMb = await residentMb(this.#options.pid)
    if (round !== this.#round) return
    if (heldMb > this.#options.heapMb + RUNTIME_MB) this.#options.onExceeded()
    else this.#arm(round)
  }
}

async function residentMb(pid: number | undefined): Promise<number> {
  // A process that has just ended has no file any more, and holds nothing.
  const statm = await readFile(`/proc/${String(pid)}/statm`, 'utf8').catch(() => '0 0')
  return (Number(statm.split(' ')[1]) * PAGE_BYTES) / (1024 * 1024)
}
