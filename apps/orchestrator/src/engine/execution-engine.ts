import type { EventSource, JsonValue, Service } from '@cidadao/contracts'
import type { Plan } from '../plan/plan.ts'
import type { RunOutcome, StepStatus } from './decide.ts'

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
  /** The investigation's end is stored. */
  readonly 'run-ended': { readonly id: string; readonly outcome: RunOutcome; readonly durationMs: number }
  /** The run could not go on (the database is away, say) and will be taken up again from what is stored. */
  readonly 'run-stalled': { readonly id: string; readonly error: Error; readonly retryInMs: number }
  /** The run was given up in this process; a later start takes it up again. */
  readonly 'run-abandoned': { readonly id: string; readonly error: Error }
}

/** Carries out plans. Whatever it acknowledges survives the process. */
export interface ExecutionEngine extends Service {
  readonly events: EventSource<EngineEvents>
  /** Stores the run, then carries it out in the background. @throws EngineFullError at the bound of waiting runs. */
  submit(run: NewRun): Promise<void>
  /** Asks a run to end as cancelled. `ended`: too late, it has ended; `unknown`: this engine does not carry it out. */
  cancel(id: string): Promise<'requested' | 'ended' | 'unknown'>
  /** Resolves when the run's end is stored; rejects when this process gave it up, or with the signal's reason. */
  settled(id: string, signal?: AbortSignal): Promise<void>
  /** Takes up what an earlier process left unfinished; returns how many. */
  recover(): Promise<number>
  stats(): { readonly running: number; readonly waiting: number }
}
