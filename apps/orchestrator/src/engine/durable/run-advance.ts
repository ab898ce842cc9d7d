import type { Clock, JsonValue } from '@cidadao/contracts'
import { OpenRuns, type DatabaseTransaction, type OpenRun, type OpenStep } from '@cidadao/db'
import { resultStepOf, type Plan } from '../../plan/plan.ts'
import { contentHash } from '../content-hash.ts'
import { referencedOutputs, restoreState, type RunEvent, type RunOutcome, type RunState } from '../decide.ts'
import { describeOutcome, outcomeFields } from '../run-rows.ts'
import { ENGINE, noWrites, writeAdvance, type AdvanceContext, type AdvanceWrites } from './advance-writes.ts'
import type { JobQueue, NewStepJob } from './job-queue.ts'
import type { KnownPlans } from './known-plans.ts'

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

/** A run that is locked, as it stands. */
interface Opened {
  readonly run: OpenRun
  readonly plan: Plan
  readonly state: RunState
  readonly context: AdvanceContext
}

export interface RunAdvanceParts {
  readonly queue: Pick<JobQueue, 'add' | 'alive'>
  readonly clock: Clock
  readonly plans: KnownPlans
}

/** Takes a run one event further, within the caller's transaction: locks it, decides, and writes all that follows. */
export class RunAdvance {
  readonly #parts: RunAdvanceParts

  constructor(parts: RunAdvanceParts) {
    this.#parts = parts
  }

  /** `look` says what happened to the run as it stands, and may write to it; where it says nothing, nothing is changed. */
  async within(
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
    const plan = await this.#parts.plans.of(id, run.planRevision, tx.runs)
    const steps = await open.steps(id)
    const held = steps.flatMap(({ jobId }) => (jobId === null ? [] : [jobId]))
    const alive = looksAtJobs ? await this.#parts.queue.alive(tx.sql, held) : new Set(held)
    const outputs = await open.results(id, [...referencedOutputs(plan)])
    const known = new Map(steps.map((step) => [step.stepId, { ...toKnown(step, alive), output: outputs.get(step.stepId) }]))
    const state = restoreState({ runId: id, plan, steps: known, stopped: run.stopReason ?? undefined, running: 'alive' })
    const context = { runId: id, steps: new Map(steps.map((step) => [step.stepId, step])), now: this.#parts.clock.now() }
    return { run, plan, state, context }
  }

  async #write(tx: DatabaseTransaction, { run, plan, context }: Opened, writes: AdvanceWrites): Promise<Advanced> {
    const open = new OpenRuns(tx.sql)
    await open.endSteps(run.id, writes.ended)
    const jobs = writes.started.flatMap((stepId) => this.#jobOf(stepId, { run, plan, context }))
    const ids = await this.#parts.queue.add(tx.sql, jobs)
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
      const completedAt = new Date(Math.max(this.#parts.clock.now().getTime(), stored.createdAt.getTime()))
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
}

/** A step with a living job counts as running, whether or not somebody has taken the job yet. */
function toKnown(step: OpenStep, alive: ReadonlySet<string>): { status: OpenStep['status']; attempt: number; retrying: boolean } {
  const { status, attempt, jobId, dueAt } = step
  if (jobId !== null) return { status: alive.has(jobId) ? 'running' : 'pending', attempt, retrying: false }
  return { status, attempt, retrying: status === 'pending' && dueAt !== null }
}
