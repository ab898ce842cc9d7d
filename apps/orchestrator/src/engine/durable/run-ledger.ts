import type { Clock, JsonValue } from '@cidadao/contracts'
import { OpenRuns, type Database } from '@cidadao/db'
import type { Plan } from '../../plan/plan.ts'
import { contentHash } from '../content-hash.ts'
import { mayRetry } from '../decide.ts'
import type { NewRun } from '../execution-engine.ts'
import { describeEnding, planToJson, stepDrafts, toStepEnd } from '../run-rows.ts'
import type { CancelOutcome, StepEnding } from '../run-store.ts'
import { ENGINE, endStep } from './advance-writes.ts'
import type { JobQueue, StepJob } from './job-queue.ts'
import { KnownPlans } from './known-plans.ts'
import { RunAdvance, type Advanced } from './run-advance.ts'
import { endFacts, toEvent } from './step-endings.ts'

export type LedgerDatabase = Pick<Database, 'transaction' | 'investigations' | 'runs' | 'sql'>

export interface LedgerOptions {
  readonly db: LedgerDatabase
  readonly queue: JobQueue
  readonly clock: Clock
  readonly agentVersions: ReadonlyMap<string, string>
  readonly runTimeoutMs: number
}

/** What a worker needs to do a step. */
export interface ClaimedStep {
  readonly job: StepJob
  readonly attempt: number
  readonly plan: Plan
  readonly results: ReadonlyMap<string, JsonValue>
  readonly isStopped: boolean
}

export interface StepReport {
  readonly job: StepJob
  readonly attempt: number
  readonly ending: StepEnding
  readonly inputHash?: string
  /** Whether a failure may well be none another time. */
  readonly transient?: boolean
}

/**
 * Runs as they stand in PostgreSQL. Each method is one transaction that locks the run, looks how it stands, changes it
 * and writes event, jobs and audit entries, or does none of it.
 */
export class RunLedger {
  readonly #options: LedgerOptions
  readonly #plans = new KnownPlans()
  readonly #advance: RunAdvance

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#advance = new RunAdvance({ queue: options.queue, clock: options.clock, plans: this.#plans })
  }

  /** Stores the run and gives its first steps to the queue. */
  async submit(run: NewRun): Promise<Advanced> {
    const { id, query, owner, source, plan } = run
    return this.#options.db.transaction(
      async (tx) => {
        if ((await tx.investigations.get(id)) === undefined) {
          const timeoutMs = plan.timeoutMs ?? this.#options.runTimeoutMs
          await tx.investigations.save({ id, query, userId: owner, metadata: { source, plannedBy: plan.madeBy } })
          await tx.runs.savePlan({ investigationId: id, revision: 1, plan: planToJson(plan) })
          await tx.runs.upsertSteps(id, stepDrafts(plan.steps, this.#options.agentVersions))
          const open = new OpenRuns(tx.sql)
          await open.open(id, new Date(this.#options.clock.now().getTime() + timeoutMs))
          await open.log(id, [{ type: 'investigation.submitted', data: { steps: plan.steps.length } }])
          tx.audit({
            actor: { kind: 'human', id: owner ?? 'local' },
            action: 'investigation.submitted',
            investigation: id,
            data: { plannedBy: plan.madeBy, planSha256: contentHash(planToJson(plan)) },
            personal: { query, source },
          })
        }
        return this.#advance.within(tx, id, () => ({ type: 'submitted' }))
      },
      { idempotent: true },
    )
  }

  /** Takes a step on; undefined where it has ended or is another job's, and then the job is dropped. */
  async claim(job: StepJob): Promise<ClaimedStep | undefined> {
    const { runId, stepId, tries } = job.data
    const attempt = tries + job.retryCount + 1
    const claimed = await this.#options.db.transaction(
      async (tx) => {
        const open = new OpenRuns(tx.sql)
        const run = await open.lock(runId)
        if (run === undefined || !(await open.claim(runId, { stepId, jobId: job.id, attempt }))) {
          await this.#options.queue.drop(tx.sql, job)
          return undefined
        }
        const begins = await open.begin(runId)
        const started = { type: 'step.started', data: { step: stepId, attempt } }
        await open.log(runId, begins ? [{ type: 'investigation.started', data: {} }, started] : [started])
        if (begins) tx.audit({ actor: ENGINE, action: 'investigation.started', investigation: runId })
        const agent = job.queue.slice(job.queue.indexOf('/') + 1)
        const agentVersion = this.#options.agentVersions.get(agent) ?? ''
        tx.audit({
          actor: { kind: 'agent', name: agent },
          action: 'step.started',
          investigation: runId,
          data: { ...started.data, agentVersion },
        })
        return run
      },
      { idempotent: true },
    )
    if (claimed === undefined) return undefined
    const plan = await this.#plans.of(runId, claimed.planRevision, this.#options.db.runs)
    const upstream = Object.values(plan.steps.find(({ id }) => id === stepId)?.inputs ?? {}).flatMap((input) =>
      'from' in input ? [input.from] : [],
    )
    const results = await new OpenRuns(this.#options.db.sql).results(runId, upstream)
    return { job, attempt, plan, results, isStopped: claimed.stopReason !== null }
  }

  /** Stores how a step ended and what follows from it. A report of an earlier try is `stale`, and changes nothing. */
  async report({ job, attempt, ending, inputHash, transient = false }: StepReport): Promise<Advanced> {
    const { runId, stepId } = job.data
    return this.#options.db.transaction(async (tx) => {
      await this.#options.queue.drop(tx.sql, job)
      return this.#advance.within(tx, runId, ({ state, context }, writes) => {
        const step = context.steps.get(stepId)
        if (step?.status !== 'running' || step.attempt !== attempt || step.jobId !== job.id) return undefined
        const event = toEvent(stepId, attempt, ending, transient)
        if (event.type === 'step_failed' && mayRetry(state, event)) {
          writes.events.push({ type: 'step.attempt_failed', data: { step: stepId, attempt, ...describeEnding(ending) } })
          return event
        }
        endStep(stepId, { ...toStepEnd(ending), ...(inputHash === undefined ? {} : { inputHash }) }, endFacts(ending, inputHash), {
          writes,
          context,
        })
        return event
      })
    })
  }

  /** The pool could not take the step now: it goes back, as if nobody had taken it. */
  async putBack(job: StepJob, afterMs: number): Promise<void> {
    const { runId, stepId } = job.data
    await this.#options.db.transaction(async (tx) => {
      const open = new OpenRuns(tx.sql)
      await this.#options.queue.drop(tx.sql, job)
      const step = (await open.lock(runId)) === undefined ? undefined : (await open.steps(runId)).find((other) => other.stepId === stepId)
      if (step?.jobId !== job.id) return
      const dueAt = new Date(this.#options.clock.now().getTime() + afterMs)
      await open.assign(runId, [{ stepId, status: 'pending', jobId: null, dueAt }])
    })
  }

  /** Keeps the wish, and ends what nobody works on. */
  async stop(id: string, reason: 'cancelled' | 'timed_out'): Promise<Advanced> {
    return this.#options.db.transaction(async (tx) => {
      const open = new OpenRuns(tx.sql)
      return this.#advance.within(tx, id, async ({ run }, writes) => {
        if (run.stopReason !== null) return undefined
        await open.stop(id, reason)
        const type = reason === 'cancelled' ? 'investigation.cancel_requested' : 'investigation.timed_out'
        writes.events.push({ type, data: {} })
        writes.audit.push({
          actor: reason === 'cancelled' ? { kind: 'human', id: run.owner ?? 'local' } : ENGINE,
          action: type,
          investigation: id,
        })
        return { type: reason === 'cancelled' ? 'cancel_requested' : 'timed_out' }
      })
    })
  }

  async cancel(id: string): Promise<{ readonly outcome: CancelOutcome; readonly advanced: Advanced }> {
    if ((await this.#options.db.investigations.get(id)) === undefined) return { outcome: 'unknown', advanced: { outcome: 'stale' } }
    const advanced = await this.stop(id, 'cancelled')
    if (advanced.outcome === 'advanced') return { outcome: 'requested', advanced }
    const isOpen = (await new OpenRuns(this.#options.db.sql).stopped([id])).length > 0
    return { outcome: isOpen ? 'requested' : 'ended', advanced }
  }

  /** The pause of a step is over, or nobody answered in time. */
  async due(id: string, stepId: string): Promise<Advanced> {
    return this.#options.db.transaction((tx) =>
      this.#advance.within(tx, id, ({ context, state }, writes) => {
        const step = context.steps.get(stepId)
        if (step?.dueAt == null || step.dueAt > context.now) return undefined
        if (step.status === 'running') return { type: 'approval_timed_out', stepId }
        writes.assigned.push({ stepId, jobId: null, dueAt: null })
        return state.steps.get(stepId) === 'retrying' ? { type: 'retry_due', stepId } : { type: 'submitted' }
      }),
    )
  }

  /** Gives up a step whose jobs died too often. */
  async giveUp(job: StepJob): Promise<Advanced> {
    const { runId, stepId } = job.data
    const failure = { code: 'ORCHESTRATOR_STEP_LOST', message: 'every process that took the step died before it ended' }
    return this.#options.db.transaction(async (tx) => {
      await this.#options.queue.drop(tx.sql, job)
      return this.#advance.within(tx, runId, async ({ context }, writes) => {
        const step = context.steps.get(stepId)
        if (step?.jobId == null || (await this.#options.queue.alive(tx.sql, [step.jobId])).size > 0) return undefined
        endStep(stepId, { status: 'failed', error: failure }, { code: failure.code }, { writes, context })
        return { type: 'step_ended', stepId, status: 'failed' }
      })
    })
  }

  /** Gives a job to each step that should have one and has none. */
  async reconcile(id: string): Promise<Advanced> {
    return this.#options.db.transaction((tx) => this.#advance.within(tx, id, () => ({ type: 'submitted' }), { looksAtJobs: true }))
  }
}
