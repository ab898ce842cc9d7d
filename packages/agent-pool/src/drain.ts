import type { Clock, Timer } from '@cidadao/contracts'
import { RunHandedBackError } from './errors.ts'
import type { PoolRun } from './execution/pool-run.ts'
import type { RunPriority } from './run-options.ts'

/** A run that the drain did not let finish, with what it takes to submit it again. */
export interface HandedBackRun {
  readonly runId: string
  readonly agent: string
  readonly input: unknown
  readonly tenant: string
  readonly priority: RunPriority
  /** Whether an agent had begun: repeating it is safe only where that agent is idempotent. */
  readonly started: boolean
}

export interface DrainReport {
  /** Runs that ended by themselves since the drain began. */
  readonly finished: number
  readonly handedBack: readonly HandedBackRun[]
}

/** Waits until no run is left, and from the deadline on sees to it. */
export class Drain {
  readonly report: Promise<DrainReport>
  readonly #runs: ReadonlySet<PoolRun>
  readonly #clock: Clock
  readonly #handedBack: HandedBackRun[] = []
  readonly #atStart: number
  #resolve: (report: DrainReport) => void = () => {}
  #timers: readonly Timer[] = []

  constructor(runs: ReadonlySet<PoolRun>, clock: Clock) {
    this.#runs = runs
    this.#clock = clock
    this.#atStart = runs.size
    this.report = new Promise((resolve) => (this.#resolve = resolve))
  }

  /** Lets runs finish for at most `deadlineMs` more. Of several deadlines the nearest counts. */
  endBy(deadlineMs: number): void {
    this.#timers = [...this.#timers, this.#clock.schedule(deadlineMs, () => this.#handBackAll(), { keepAlive: true })]
    this.noteSettled()
  }

  /** To be called after each run that ended. */
  noteSettled(): void {
    if (this.#runs.size > 0) return
    for (const timer of this.#timers) timer.cancel()
    this.#resolve({ finished: this.#atStart - this.#handedBack.length, handedBack: [...this.#handedBack] })
  }

  #handBackAll(): void {
    // Waiting ones first: a slot that comes free must not start what is about to be handed back.
    const runs = [...this.#runs].sort((a, b) => Number(a.phase !== 'queued') - Number(b.phase !== 'queued'))
    for (const run of runs) {
      // One that is being stopped for another reason ends with that reason.
      if (run.phase === 'stopping' || run.phase === 'settled') continue
      const started = run.hasBegun
      const { runId, agent, rawInput: input, tenant, priority } = run
      this.#handedBack.push({ runId, agent, input, tenant, priority, started })
      run.stop({ outcome: 'handed-back', error: new RunHandedBackError(agent, started) })
    }
  }
}
