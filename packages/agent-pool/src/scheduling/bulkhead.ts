import type { AgentDefinition } from '../agent.ts'
import type { ResolvedPoolOptions } from '../agent-pool-options.ts'
import type { WorkerCrew } from '../crews/worker-crew.ts'
import { RUN_OUTCOMES, type RunOutcome } from '../events.ts'
import { createAdaptiveLimit, type AdaptiveLimit } from '../limits/adaptive-limit.ts'
import { CrashCircuit } from './crash-circuit.ts'

/** Newest run counts a fifth: about the last ten matter. */
const AVERAGE_WEIGHT = 0.2
/** Before any run has been timed. */
const UNKNOWN_RUN_MS = 1_000
const RETRY_AFTER_MS = { least: 50, most: 60_000 }

/** What one agent may use, uses and has done: a flood or failure of it stays within these walls. */
export class Bulkhead {
  readonly agent: AgentDefinition
  readonly slots: number
  readonly queueLimit: number
  readonly runTimeoutMs: number
  readonly circuit: CrashCircuit
  /** Who carries it out; undefined for an inline agent. */
  readonly crew: WorkerCrew | undefined
  readonly outcomes: Record<RunOutcome, number>
  readonly adaptive: AdaptiveLimit | undefined
  /** Whether an inline agent says that it can work. Workers know that of theirs. */
  ready = true
  running = 0
  queued = 0
  rejected = 0
  progressDropped = 0
  retries = 0
  #averageRunMs: number | undefined

  constructor(agent: AgentDefinition, options: ResolvedPoolOptions, crew?: WorkerCrew) {
    this.agent = agent
    this.crew = crew
    this.slots = agent.slots ?? crew?.options.scaling.max ?? options.inlineSlots
    this.adaptive = agent.adaptive === undefined ? undefined : createAdaptiveLimit(agent.adaptive, this.slots)
    this.queueLimit = agent.queueLimit ?? options.queueLimit
    this.runTimeoutMs = agent.runTimeoutMs ?? options.runTimeoutMs
    this.circuit = new CrashCircuit(options.crashIntensity, options.circuitBackoff, options.random)
    this.outcomes = Object.fromEntries(RUN_OUTCOMES.map((outcome) => [outcome, 0])) as Record<RunOutcome, number>
  }

  get freeSlots(): number {
    return this.limit - this.running
  }

  /** Runs at once, as far as is known to be good. */
  get limit(): number {
    return this.adaptive?.limit ?? this.slots
  }

  /** Whether a run would begin now. */
  get hasRoom(): boolean {
    return this.freeSlots > 0 && (this.crew === undefined ? this.ready : this.crew.hasIdleFor(this.agent.name))
  }

  /** Moving average of runs that began; undefined before the first. */
  get averageRunMs(): number | undefined {
    return this.#averageRunMs
  }

  noteRunTime(runMs: number): void {
    this.#averageRunMs = this.#averageRunMs === undefined ? runMs : this.#averageRunMs + AVERAGE_WEIGHT * (runMs - this.#averageRunMs)
  }

  /** When a place in the queue is likely to be free: the time in which the slots finish one run. */
  get retryAfterMs(): number {
    const estimate = Math.ceil((this.#averageRunMs ?? UNKNOWN_RUN_MS) / this.slots)
    return Math.min(RETRY_AFTER_MS.most, Math.max(RETRY_AFTER_MS.least, estimate))
  }
}
