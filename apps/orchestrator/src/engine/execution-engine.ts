import type { EventSource, JsonValue, Service } from '@cidadao/contracts'
import type { Plan } from '../plan/plan.ts'
import type { RunOutcome, StepStatus } from './decide.ts'
import type { CancelOutcome } from './run-store.ts'

/** A planned investigation, ready to be carried out. */
export interface NewRun {
  readonly id: string
  readonly owner: string | null
  readonly query: string
  readonly source: string
  readonly plan: Plan
}

export interface EngineEvents {
  /** The investigation and its plan are stored; it will run, whatever happens to this process. */
  readonly 'run-submitted': { readonly id: string; readonly steps: readonly string[] }
  /** An agent began working on a step. */
  readonly 'step-started': { readonly id: string; readonly stepId: string; readonly agent: string; readonly attempt: number }
  /** An agent said how far it is. May be dropped under load; never stored. */
  readonly 'step-progress': { readonly id: string; readonly stepId: string; readonly progress: JsonValue }
  /** The step's end is stored. `remembered`: the result came from the cache, no agent ran. */
  readonly 'step-ended': {
    readonly id: string
    readonly stepId: string
    readonly status: Exclude<StepStatus, 'pending' | 'running'>
    readonly remembered: boolean
    readonly durationMs: number
    /** What went wrong, for people. */
    readonly reason?: string
  }
  /** The investigation's end is stored, with these results; undefined where there are none. */
  readonly 'run-ended': {
    readonly id: string
    readonly outcome: RunOutcome
    readonly durationMs: number
    readonly results: JsonValue | undefined
  }
  /** The run could not go on (the database is away, say) and will be taken up again from what is stored. */
  readonly 'run-stalled': { readonly id: string; readonly error: Error; readonly retryInMs: number }
  /** The run was given up in this process; a later start takes it up again. */
  readonly 'run-abandoned': { readonly id: string; readonly error: Error }
}

/** Carries out plans. Whatever it acknowledges survives the process. */
export interface ExecutionEngine extends Service {
  readonly events: EventSource<EngineEvents>
  /**
   * Stores the run, then carries it out in the background.
   *
   * @throws EngineFullError at the bound of open runs, EngineStoppingError; nothing is stored then
   */
  submit(run: NewRun): Promise<void>
  /**
   * Ends a run as cancelled, whoever carries it out; one that nobody carries out is taken up for that. Once it resolves
   * the wish is stored, and a crash does not forget it. `ended`: too late; `unknown`: there is no such run.
   */
  cancel(id: string): Promise<CancelOutcome>
  /** Resolves when the run's end is stored; rejects when this process gives it up, or with the signal's reason. */
  settled(id: string, signal?: AbortSignal): Promise<void>
  /** Takes up what an earlier process left unfinished; returns how many. */
  recover(): Promise<number>
  stats(): { readonly running: number; readonly waiting: number }
}
