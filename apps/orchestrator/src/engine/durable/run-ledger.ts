import type { Clock, JsonObject, JsonValue } from '@cidadao/contracts'
import { OpenRuns, type Database, type DatabaseTransaction, type OpenRun, type OpenStep } from '@cidadao/db'
import { planSchema, resultStepOf, type Plan } from '../../plan/plan.ts'
import { contentHash } from '../content-hash.ts'
import { mayRetry, referencedOutputs, restoreState, type RunEvent, type RunOutcome, type RunState } from '../decide.ts'
import type { NewRun } from '../execution-engine.ts'
import { describeEnding, describeOutcome, outcomeFields, planToJson, stepDrafts } from '../run-rows.ts'
import type { CancelOutcome, StepEnding } from '../run-store.ts'
import { endStep, noWrites, writeAdvance, type AdvanceContext, type AdvanceWrites } from './advance-writes.ts'
import type { JobQueue, NewStepJob, StepJob } from './job-queue.ts'

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

/** What an advance came to; `stale`: the run has ended, or what was to be told of it is no longer true. */
export type Advanced =
  | { readonly outcome: 'stale' }
  | {
      readonly outcome: 'advanced'
      readonly agents: readonly string[]
      readonly aborted: readonly string[]
      readonly ended: RunEnd | undefined
    }

export interface RunEnd {
  readonly outcome: RunOutcome
  readonly createdAt: Date
  readonly results: JsonValue | undefined
}

export interface StepReport {
  readonly job: StepJob
  readonly attempt: number
  readonly ending: StepEnding
  readonly inputHash?: string
  /** Whether a failure may well be none another time. */
  readonly transient?: boolean
}

interface Opened {
  readonly run: OpenRun
  readonly plan: Plan
  readonly state: RunState
  readonly context: AdvanceContext
}

const ENGINE = { kind: 'system', component: 'engine' } as const
const MAX_PLANS = 1_000

/**
 * Runs as they stand in PostgreSQL. Each method is one transaction that locks the run, looks how it stands, changes it
 * and writes event, jobs and audit entries, or does none of it.
 */
export class RunLedger {
  readonly #options: LedgerOptions
  readonly #plans = new Map<string, Plan>()

  constructor(options: LedgerOptions) {
    this.#options = options
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
        return this.#inTransaction(tx, id, () => ({ type: 'submitted' }))
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
    const plan = await this.#planOf(runId, claimed.planRevision)
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
      return this.#inTransaction(tx, runId, ({ state, context }, writes) => {
        const step = context.steps.get(stepId)
        if (step?.status !== 'running' || step.attempt !== attempt || step.jobId !== job.id) return undefined
        const event = toEvent(stepId, attempt, ending, transient)
        if (event.type === 'step_failed' && mayRetry(state, event)) {
          writes.events.push({ type: 'step.attempt_failed', data: { step: stepId, attempt, ...describeEnding(ending) } })
          return event
        }
        endStep(stepId, { ...endOf(ending), ...(inputHash === undefined ? {} : { inputHash }) }, endFacts(ending, inputHash), {
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
      return this.#inTransaction(tx, id, async ({ run }, writes) => {
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
      this.#inTransaction(tx, id, ({ context, state }, writes) => {
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
      return this.#inTransaction(tx, runId, async ({ context }, writes) => {
        const step = context.steps.get(stepId)
        if (step?.jobId == null || (await this.#options.queue.alive(tx.sql, [step.jobId])).size > 0) return undefined
        endStep(stepId, { status: 'failed', error: failure }, { code: failure.code }, { writes, context })
        return { type: 'step_ended', stepId, status: 'failed' }
      })
    })
  }

  /** Gives a job to each step that should have one and has none. */
  async reconcile(id: string): Promise<Advanced> {
    return this.#options.db.transaction((tx) => this.#inTransaction(tx, id, () => ({ type: 'submitted' }), { looksAtJobs: true }))
  }

  async #inTransaction(
    tx: DatabaseTransaction,
    id: string,
    look: (opened: Opened, writes: AdvanceWrites) => RunEvent | undefined | Promise<RunEvent | undefined>,
    { looksAtJobs = false }: { readonly looksAtJobs?: boolean } = {},
  ): Promise<Advanced> {
    const opened = await this.#open(tx, id, looksAtJobs)
    if (opened === undefined) return { outcome: 'stale' }
    const writes = noWrites()
    const event = await look(opened, writes)
    if (event === undefined) return { outcome: 'stale' }
    writeAdvance(opened.state, event, { writes, context: opened.context })
    return this.#write(tx, opened, writes)
  }

  async #open(tx: DatabaseTransaction, id: string, looksAtJobs: boolean): Promise<Opened | undefined> {
    const open = new OpenRuns(tx.sql)
    const run = await open.lock(id)
    if (run === undefined) return undefined
    const plan = await this.#planOf(id, run.planRevision, tx)
    const steps = await open.steps(id)
    const held = steps.flatMap(({ jobId }) => (jobId === null ? [] : [jobId]))
    const alive = looksAtJobs ? await this.#options.queue.alive(tx.sql, held) : new Set(held)
    const outputs = await open.results(id, [...referencedOutputs(plan)])
    const known = new Map(steps.map((step) => [step.stepId, { ...toKnown(step, alive), output: outputs.get(step.stepId) }]))
    const state = restoreState({ runId: id, plan, steps: known, stopped: run.stopReason ?? undefined, running: 'alive' })
    const context = { runId: id, steps: new Map(steps.map((step) => [step.stepId, step])), now: this.#options.clock.now() }
    return { run, plan, state, context }
  }

  async #write(tx: DatabaseTransaction, { run, plan, context }: Opened, writes: AdvanceWrites): Promise<Advanced> {
    const open = new OpenRuns(tx.sql)
    await open.endSteps(run.id, writes.ended)
    const jobs = writes.started.flatMap((stepId) => this.#jobOf(stepId, { run, plan, context }))
    const ids = await this.#options.queue.add(tx.sql, jobs)
    const queued = jobs.map(({ stepId }, place) => ({ stepId, status: 'pending' as const, jobId: ids[place] ?? null, dueAt: null }))
    await open.assign(run.id, [...writes.assigned.filter(({ stepId }) => !writes.started.includes(stepId)), ...queued])
    const ended = writes.outcome === undefined ? undefined : await this.#finish(tx, { run, plan, outcome: writes.outcome }, writes)
    await open.log(run.id, writes.events)
    tx.audit(...writes.audit)
    return { outcome: 'advanced', agents: [...new Set(jobs.map(({ agent }) => agent))], aborted: writes.aborted, ended }
  }

  #jobOf(stepId: string, { run, plan, context }: Pick<Opened, 'run' | 'plan' | 'context'>): NewStepJob[] {
    const step = plan.steps.find(({ id }) => id === stepId)
    if (step?.kind !== 'agent') return []
    const tries = context.steps.get(stepId)?.attempt ?? 0
    return [{ runId: run.id, stepId, tries, agent: step.agent, group: run.owner ?? 'nobody', timeoutMs: step.timeoutMs }]
  }

  async #finish(
    tx: DatabaseTransaction,
    { run, plan, outcome }: { readonly run: OpenRun; readonly plan: Plan; readonly outcome: RunOutcome },
    writes: AdvanceWrites,
  ): Promise<RunEnd> {
    const open = new OpenRuns(tx.sql)
    const shown = resultStepOf(plan)
    const results = shown === undefined || outcome.status === 'cancelled' ? undefined : (await open.results(run.id, [shown])).get(shown)
    const stored = await tx.investigations.get(run.id)
    if (stored !== undefined) {
      // An end without a beginning: nothing of the plan could run.
      const begun =
        stored.status === 'pending' && outcome.status === 'completed'
          ? await tx.investigations.save({ ...stored, status: 'processing' })
          : stored
      const completedAt = new Date(Math.max(this.#options.clock.now().getTime(), stored.createdAt.getTime()))
      const processingTimeMs = completedAt.getTime() - stored.createdAt.getTime()
      const fields = outcomeFields(outcome, await tx.runs.listSteps(run.id), results)
      await tx.investigations.save({ ...begun, ...fields, completedAt, processingTimeMs })
    }
    await open.close(run.id)
    const action = `investigation.${outcome.status}`
    const data = { ...describeOutcome(outcome), ...(results === undefined ? {} : { resultsSha256: contentHash(results) }) }
    writes.events.push({ type: action, data })
    writes.audit.push({
      actor: ENGINE,
      action,
      investigation: run.id,
      outcome: outcome.status === 'completed' ? 'success' : 'failure',
      data,
    })
    return { outcome, createdAt: run.createdAt, results }
  }

  async #planOf(id: string, revision: number, tx: Pick<DatabaseTransaction, 'runs'> = this.#options.db): Promise<Plan> {
    const key = `${id}/${revision}`
    const known = this.#plans.get(key)
    if (known !== undefined) return known
    const plan = planSchema.parse((await tx.runs.getPlan(id, revision))?.plan)
    const [oldest] = this.#plans.keys()
    if (this.#plans.size >= MAX_PLANS && oldest !== undefined) this.#plans.delete(oldest)
    this.#plans.set(key, plan)
    return plan
  }
}

/** A step with a living job counts as running, whether or not somebody has taken the job yet. */
function toKnown(step: OpenStep, alive: ReadonlySet<string>): { status: OpenStep['status']; attempt: number; retrying: boolean } {
  const { status, attempt, jobId, dueAt } = step
  if (jobId !== null) return { status: alive.has(jobId) ? 'running' : 'pending', attempt, retrying: false }
  return { status, attempt, retrying: status === 'pending' && dueAt !== null }
}

function toEvent(stepId: string, attempt: number, ending: StepEnding, transient: boolean): RunEvent {
  if (ending.status === 'failed') return { type: 'step_failed', stepId, attempt, failure: ending.failure, transient }
  return { type: 'step_ended', stepId, status: ending.status, output: ending.status === 'completed' ? ending.result : undefined }
}

function endOf(ending: StepEnding): { status: StepEnding['status']; result?: JsonValue; error?: JsonObject } {
  switch (ending.status) {
    case 'completed':
      return { status: 'completed', result: ending.result }
    case 'failed':
      return { status: 'failed', error: { code: ending.failure.code, message: ending.failure.message } }
    case 'cancelled':
      return { status: 'cancelled' }
  }
}

function endFacts(ending: StepEnding, inputHash: string | undefined): JsonObject {
  return { ...describeEnding(ending), ...(inputHash === undefined ? {} : { inputSha256: inputHash }) }
}
