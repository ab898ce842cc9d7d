import { delay, hasCode, toError, type TypedEvents } from '@cidadao/contracts'
import { AgentsUnavailableError } from '../../errors.ts'
import type { EngineEvents } from '../execution-engine.ts'
import type { JobQueue, StepJob } from './job-queue.ts'
import type { ResolvedPgBossOptions } from './pg-boss-engine-options.ts'
import type { Advanced } from './run-advance.ts'
import type { ClaimedStep, RunLedger, StepReport } from './run-ledger.ts'
import { toFailure, workOn, type WorkedStep } from './step-work.ts'

export interface StepWorkerParts {
  readonly options: ResolvedPgBossOptions
  readonly queue: JobQueue
  readonly ledger: RunLedger
  readonly events: TypedEvents<EngineEvents>
  /** Whether the database is away, which passes. */
  readonly isOutage: (error: Error) => boolean
  /** Tells of what an advance came to. */
  readonly onAdvanced: (id: string, advanced: Advanced) => void
}

/** A job in hand. */
interface Held {
  readonly job: StepJob
  readonly abort: AbortController
  readonly done: Promise<void>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/** Why a step in hand is stopped: to be ended as cancelled, to be left to whoever has it now, or to be given back. */
class Cancelled extends Error {}
class Lost extends Error {}
class GivenBack extends Error {}

/** Takes jobs up to what the pool can do, and does their steps. */
export class StepWorker {
  readonly #parts: StepWorkerParts
  readonly #held = new Map<string, Held>()
  /** Taken, and not yet with the pool. */
  readonly #preparing = new Map<string, number>()
  readonly #stopping = new AbortController()

  constructor(parts: StepWorkerParts) {
    this.#parts = parts
  }

  get running(): number {
    return this.#held.size
  }

  /** Takes what waits and there is room for; resolves to how many. */
  async takeWork(): Promise<number> {
    const { options, queue } = this.#parts
    let taken = 0
    for (const agent of options.agents) {
      const room = options.capacity(agent) - (this.#preparing.get(agent) ?? 0)
      if (room <= 0 || this.#stopping.signal.aborted) continue
      const jobs = await queue.take(agent, room)
      for (const job of jobs) this.#hold(agent, job)
      taken += jobs.length
    }
    return taken
  }

  /** Says that the jobs in hand are being worked on; stops those that are ours no more, and those that are to end. */
  async beat(stoppedAmong: (ids: readonly string[]) => Promise<readonly string[]>): Promise<void> {
    const held = [...this.#held.values()]
    if (held.length === 0) return
    const lost = await this.#parts.queue.touch(held.map(({ job }) => job))
    for (const job of lost) this.#held.get(keyOf(job))?.abort.abort(new Lost('another process has the step by now'))
    this.cancelRuns(await stoppedAmong([...new Set(held.map(({ job }) => job.data.runId))]))
  }

  cancelRuns(ids: readonly string[]): void {
    const stopped = new Set(ids)
    for (const { job, abort } of this.#held.values()) {
      if (stopped.has(job.data.runId)) abort.abort(new Cancelled('the investigation was stopped'))
    }
  }

  /** Gives back what is in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort(new GivenBack('the engine is stopping'))
    const held = [...this.#held.values()]
    for (const { abort } of held) abort.abort(this.#stopping.signal.reason)
    await Promise.all(held.map(({ done }) => done))
  }

  #hold(agent: string, job: StepJob): void {
    const abort = new AbortController()
    this.#preparing.set(agent, (this.#preparing.get(agent) ?? 0) + 1)
    let prepared = false
    const onBegin = (): void => {
      if (!prepared) this.#preparing.set(agent, (this.#preparing.get(agent) ?? 1) - 1)
      prepared = true
    }
    const done = this.#carry(job, abort.signal, onBegin)
      .catch((thrown: unknown) => {
        // Nothing is lost: without a sign of life the job goes to another process.
        this.#parts.events.emit('run-stalled', { id: job.data.runId, error: toError(thrown), retryInMs: 0 })
      })
      .finally(() => {
        onBegin()
        this.#held.delete(keyOf(job))
      })
    this.#held.set(keyOf(job), { job, abort, done })
  }

  async #carry(job: StepJob, signal: AbortSignal, onBegin: () => void): Promise<void> {
    const { ledger, options, onAdvanced } = this.#parts
    const { runId } = job.data
    const claimed = await ledger.claim(job)
    if (claimed === undefined) return
    const sinceMs = options.clock.monotonicMs()
    let worked: WorkedStep
    try {
      worked = await this.#work(claimed, signal, onBegin)
    } catch (thrown) {
      if (!(thrown instanceof AgentsUnavailableError)) throw thrown
      return ledger.putBack(job, options.refusedMs)
    }
    if (signal.reason instanceof Lost) return
    if (signal.reason instanceof GivenBack) return ledger.putBack(job, 0)
    const { report, advanced } = await this.#report({ job, attempt: claimed.attempt, ...worked })
    onAdvanced(runId, advanced)
    if (advanced.outcome === 'stale') return
    const { ending } = report
    this.#parts.events.emit('step-ended', {
      id: runId,
      stepId: job.data.stepId,
      status: ending.status,
      remembered: ending.status === 'completed' && ending.remembered,
      durationMs: options.clock.monotonicMs() - sinceMs,
      ...(ending.status === 'failed' ? { reason: ending.failure.message } : {}),
    })
  }

  async #work(claimed: ClaimedStep, signal: AbortSignal, onBegin: () => void): Promise<WorkedStep> {
    const { options, events } = this.#parts
    const { runId: id, stepId } = claimed.job.data
    const step = claimed.plan.steps.find((other) => other.id === stepId)
    if (step?.kind !== 'agent') throw new Error(`the plan of ${id} has no step ${stepId}`)
    if (claimed.isStopped) return { ending: { status: 'cancelled' }, inputHash: '', transient: false }
    events.emit('step-started', { id, stepId, agent: step.agent, attempt: claimed.attempt })
    const { runner, memory } = options
    const onProgress = (progress: EngineEvents['step-progress']['progress']): void => events.emit('step-progress', { id, stepId, progress })
    return workOn(step, claimed, { runner, memory, signal, onProgress, onBegin })
  }

  /** An outage is waited out with the result in hand; a result that cannot be stored at all is a failure of the step. */
  async #report(given: StepReport): Promise<{ readonly report: StepReport; readonly advanced: Advanced }> {
    const { ledger, events, isOutage, options } = this.#parts
    let report = given.inputHash === '' ? { job: given.job, attempt: given.attempt, ending: given.ending } : given
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return { report, advanced: await ledger.report(report) }
      } catch (thrown) {
        const error = toError(thrown)
        if (isOutage(error)) {
          events.emit('run-stalled', { id: report.job.data.runId, error, retryInMs: pauseMs })
          await delay(options.clock, pauseMs, this.#stopping.signal)
        } else if (report.ending.status === 'completed' && hasCode(error, 'DB_INVALID_INVESTIGATION')) {
          report = { ...report, ending: { status: 'failed', failure: toFailure(error) } }
        } else throw error
      }
    }
  }
}

/** A process may take a job again that it has lost, while it still stops working on it. */
function keyOf({ id, retryCount }: StepJob): string {
  return `${id}/${retryCount}`
}
