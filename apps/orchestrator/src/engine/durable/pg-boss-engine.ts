import { defineService, delay, toError, TypedEvents, type EventSource, type Service } from '@cidadao/contracts'
import { isTerminal, OpenRuns } from '@cidadao/db'
import { EngineStoppingError, PlanInvalidError } from '../../errors.ts'
import { DatabaseRunStore } from '../database-run-store.ts'
import type { EngineEvents, ExecutionEngine, NewRun } from '../execution-engine.ts'
import type { CancelOutcome } from '../run-store.ts'
import { JobQueue } from './job-queue.ts'
import { resolvePgBossOptions, type PgBossEngineOptions, type ResolvedPgBossOptions } from './pg-boss-engine-options.ts'
import { Pulse } from './pulse.ts'
import type { Advanced } from './run-advance.ts'
import { RunLedger } from './run-ledger.ts'
import { StepWorker } from './step-worker.ts'

const SETTLED_POLL_MS = 100
const BATCH = 100

/**
 * Carries out runs with all state in PostgreSQL and steps as jobs, so that any number of processes share the work: a
 * step whose process dies is taken by another one, and whatever the first still says of it is refused.
 */
export class PgBossEngine implements ExecutionEngine {
  readonly name = 'engine'
  readonly #options: ResolvedPgBossOptions
  readonly #events = new TypedEvents<EngineEvents>()
  readonly #queue: JobQueue
  readonly #ledger: RunLedger
  readonly #worker: StepWorker
  readonly #pulses: readonly Pulse[]
  readonly #lookForWork: Pulse
  readonly #service: Service
  #stopped = false

  constructor(options: PgBossEngineOptions) {
    this.#options = resolvePgBossOptions(options)
    const { db, runner, clock, runTimeoutMs, retries, groupConcurrency, pollMs, heartbeatMs, reconcileMs } = this.#options
    const agents = [...runner.agentVersions.keys()]
    this.#queue = new JobQueue({ db, agents, retries, groupConcurrency })
    this.#ledger = new RunLedger({ db, queue: this.#queue, clock, agentVersions: runner.agentVersions, runTimeoutMs })
    const outages = new DatabaseRunStore(db, clock)
    this.#worker = new StepWorker({
      options: this.#options,
      queue: this.#queue,
      ledger: this.#ledger,
      events: this.#events,
      isOutage: (error) => outages.isOutage(error),
      onAdvanced: (id, advanced) => this.#tell(id, advanced),
    })
    const onFailed = (error: Error): void => this.#events.emit('run-stalled', { id: '*', error, retryInMs: heartbeatMs })
    this.#queue.events.on('failed', ({ error }) => onFailed(error))
    const pulse = (everyMs: number, work: () => Promise<unknown>): Pulse => new Pulse({ everyMs, work, clock, onFailed })
    this.#lookForWork = pulse(pollMs, () => this.#worker.takeWork())
    this.#pulses = [
      this.#lookForWork,
      pulse(heartbeatMs, () => this.#worker.beat((ids) => new OpenRuns(db.sql).stopped(ids))),
      pulse(heartbeatMs, () => this.#sweep()),
      pulse(Math.min(reconcileMs, 10_000), () => this.#reconcile()),
    ]
    this.#service = defineService({ name: this.name, start: () => this.#start(), stop: () => this.#stop() })
  }

  get events(): EventSource<EngineEvents> {
    return this.#events
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#service.start(signal)
  }

  stop(): Promise<void> {
    return this.#service.stop()
  }

  stats(): { readonly running: number; readonly waiting: number } {
    return { running: this.#worker.running, waiting: 0 }
  }

  /** @throws PlanInvalidError for a plan that fans out or may grow: only the engine inside the process does that so far */
  async submit(run: NewRun): Promise<void> {
    this.#requireUp()
    const beyond = run.plan.steps.flatMap((step) =>
      step.kind === 'agent' && (step.forEach !== undefined || step.mayReplan) ? [step.id] : [],
    )
    if (beyond.length > 0) {
      throw new PlanInvalidError(beyond.map((id) => `step "${id}": the durable engine knows neither forEach nor mayReplan yet`))
    }
    const advanced = await this.#ledger.submit(run)
    this.#events.emit('run-submitted', { id: run.id, steps: run.plan.steps.map(({ id }) => id) })
    this.#tell(run.id, advanced)
  }

  async cancel(id: string): Promise<CancelOutcome> {
    const { outcome, advanced } = await this.#ledger.cancel(id)
    this.#tell(id, advanced)
    return outcome
  }

  async settled(id: string, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      const investigation = await this.#options.db.investigations.get(id)
      if (investigation === undefined || isTerminal(investigation.status)) return
      await delay(this.#options.clock, SETTLED_POLL_MS, signal)
    }
  }

  /** Nothing is left behind that needs to be taken up: jobs outlive their process. */
  async recover(): Promise<number> {
    this.#requireUp()
    return 0
  }

  #requireUp(): void {
    if (this.#stopped)
      throw new EngineStoppingError('the engine is stopping; open investigations go on in other processes, or at the next start')
  }

  /** Runs that took too long, steps whose pause is over, and jobs that nobody survived. */
  async #sweep(): Promise<void> {
    const open = new OpenRuns(this.#options.db.sql)
    for (const id of await open.overdue(BATCH)) this.#tell(id, await this.#ledger.stop(id, 'timed_out'))
    for (const { id, stepId } of await open.dueSteps(BATCH)) this.#tell(id, await this.#ledger.due(id, stepId))
    for (const job of await this.#queue.takeDead(BATCH)) this.#tell(job.data.runId, await this.#ledger.giveUp(job))
  }

  async #reconcile(): Promise<void> {
    const ids = await new OpenRuns(this.#options.db.sql).takeUnseen(this.#options.reconcileMs, BATCH)
    for (const id of ids) this.#tell(id, await this.#ledger.reconcile(id))
  }

  #tell(id: string, advanced: Advanced): void {
    if (advanced.outcome === 'stale') return
    if (advanced.aborted.length > 0) this.#worker.cancelRuns([id])
    if (advanced.agents.length > 0) this.#lookForWork.now()
    if (advanced.ended === undefined) return
    const { outcome, createdAt, results } = advanced.ended
    const durationMs = Math.max(0, this.#options.clock.now().getTime() - createdAt.getTime())
    this.#events.emit('run-ended', { id, outcome, durationMs, results })
  }

  async #start(): Promise<void> {
    this.#stopped = false
    await this.#queue.start()
    if (this.#options.role !== 'api') for (const pulse of this.#pulses) pulse.start()
  }

  async #stop(): Promise<void> {
    this.#stopped = true
    const ends = await Promise.allSettled(this.#pulses.map((pulse) => pulse.stop()))
    await this.#worker.stop()
    await this.#queue.stop()
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw toError(failed.reason)
  }
}
