import { hasCode, type Clock, type JsonObject, type JsonValue } from '@cidadao/contracts'
import {
  DatabaseError,
  isTerminal,
  type AuditEntry,
  type Database,
  type DatabaseTransaction,
  type Investigation,
  type InvestigationPage,
  type StepChange,
} from '@cidadao/db'
import { RunFencedError } from '../errors.ts'
import { planSchema } from '../plan/plan.ts'
import { contentHash } from './content-hash.ts'
import type { RunOutcome } from './decide.ts'
import type { NewRun } from './execution-engine.ts'
import { describeEnding, describeOutcome, outcomeFields, planToJson, stepDrafts, toStepEnd, toStoredStep } from './run-rows.ts'
import type { CancelOutcome, RunLease, RunStore, StepEnding, StepStart, StoredRun } from './run-store.ts'

/** What the store needs of the database. */
export type RunDatabase = Pick<Database, 'transaction' | 'investigations' | 'runs'>

interface Advance {
  readonly type: string
  readonly data?: JsonObject
  readonly work: (tx: DatabaseTransaction, stored: Investigation) => Promise<AuditEntry>
}

const ENGINE = { kind: 'system', component: 'engine' } as const
const CANCEL_REQUESTED = 'investigation.cancel_requested'
const PAGE_SIZE = 500
const EVENTS_PAGE = 1_000

/** Failures of the database that pass, besides those that it calls transient itself. */
const OUTAGES: ReadonlySet<string> = new Set([
  'DB_CIRCUIT_OPEN',
  'DB_POOL_TIMEOUT',
  'DB_ANSWER_TIMEOUT',
  'DB_STATEMENT_TIMEOUT',
  'DB_LOCK_TIMEOUT',
  'DB_NOT_PRIMARY',
  'DB_READ_ONLY',
  'DB_SERVER_EXHAUSTED',
])

/**
 * Runs in PostgreSQL. Each writing method changes state, event and audit log in one transaction. The lease of a run is
 * the version of its investigation's row: taking it saves the row, which gives it the next version; every later write
 * locks the row and looks whether the version is still its own. So is a run fenced that was cancelled or ended behind
 * its holder's back.
 */
export class DatabaseRunStore implements RunStore {
  readonly #db: RunDatabase
  readonly #clock: Clock

  constructor(db: RunDatabase, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  async create(run: NewRun, agentVersions: ReadonlyMap<string, string>): Promise<void> {
    const { id, query, owner, source, plan } = run
    const work = async (tx: DatabaseTransaction): Promise<void> => {
      if ((await tx.investigations.get(id)) !== undefined) return
      await tx.investigations.save({ id, query, userId: owner, metadata: { source, plannedBy: plan.madeBy } })
      await tx.runs.savePlan({ investigationId: id, revision: 1, plan: planToJson(plan) })
      await tx.runs.upsertSteps(id, stepDrafts(plan.steps, agentVersions))
      await tx.runs.appendEvent({ investigationId: id, type: 'investigation.submitted', data: { steps: plan.steps.length } })
      tx.audit({
        actor: { kind: 'human', id: owner ?? 'local' },
        action: 'investigation.submitted',
        investigation: id,
        data: { plannedBy: plan.madeBy, planSha256: contentHash(plan) },
        // Free text may name people, and the log cannot forget.
        personal: { query, source },
      })
    }
    // The id is new, so what is found under it is the work of an earlier attempt whose answer was lost.
    await this.#db.transaction(work, { idempotent: true })
  }

  async load(id: string): Promise<StoredRun | undefined> {
    const investigation = await this.#db.investigations.get(id)
    const plan = await this.#db.runs.getPlan(id)
    if (investigation === undefined || plan === undefined) return undefined
    const ended = isTerminal(investigation.status)
    const steps = await this.#db.runs.listSteps(id)
    return {
      id,
      plan: planSchema.parse(plan.plan),
      steps: new Map(steps.map((step) => [step.stepId, toStoredStep(step)])),
      ended,
      cancelRequested: !ended && (await this.#wasCancelRequested(id)),
      createdAt: investigation.createdAt,
    }
  }

  async unended(limit: number): Promise<readonly string[]> {
    const found: string[] = []
    let after: string | null = null
    do {
      const page: InvestigationPage = await this.#db.investigations.find({
        status: ['pending', 'processing'],
        limit: PAGE_SIZE,
        ...(after === null ? {} : { after }),
      })
      found.push(...page.items.map(({ id }) => id))
      after = page.next
    } while (after !== null)
    // They come newest first; whoever has waited longest goes first.
    return found.toReversed().slice(0, limit)
  }

  async begin(id: string): Promise<RunLease> {
    return this.#db.transaction(async (tx) => {
      const before = await requireInvestigation(tx, id)
      const type = before.status === 'pending' ? 'investigation.started' : 'investigation.resumed'
      await tx.runs.appendEvent({ investigationId: id, type })
      const stored = await requireInvestigation(tx, id)
      const { version } = await tx.investigations.save({ ...stored, status: 'processing' })
      tx.audit({ actor: ENGINE, action: type, investigation: id })
      return { runId: id, token: version }
    })
  }

  async startStep(lease: RunLease, start: StepStart): Promise<void> {
    const { stepId, attempt, inputHash } = start
    await this.#advance(lease, {
      type: 'step.started',
      data: { step: stepId, attempt },
      work: async (tx) => {
        const { agent, agentVersion } = changed(await tx.runs.startStep({ investigationId: lease.runId, ...start }))
        const data = { step: stepId, attempt, agentVersion, inputSha256: inputHash }
        return { actor: { kind: 'agent', name: agent }, action: 'step.started', investigation: lease.runId, data }
      },
    })
  }

  async endStep(lease: RunLease, step: { readonly stepId: string; readonly attempt: number }, ending: StepEnding): Promise<void> {
    const data = { step: step.stepId, attempt: step.attempt, ...describeEnding(ending) }
    await this.#advance(lease, {
      type: `step.${ending.status}`,
      data,
      work: async (tx) => {
        const finish = { investigationId: lease.runId, ...step, end: toStepEnd(ending) }
        const { agent, agentVersion, inputHash } = changed(await tx.runs.finishStep(finish))
        return {
          actor: { kind: 'agent', name: agent },
          action: `step.${ending.status}`,
          investigation: lease.runId,
          outcome: ending.status === 'completed' ? 'success' : 'failure',
          data: { ...data, agentVersion, inputSha256: inputHash },
        }
      },
    })
  }

  async skipStep(lease: RunLease, step: { readonly stepId: string; readonly attempt: number }, because: string): Promise<void> {
    const data = { step: step.stepId, because }
    await this.#advance(lease, {
      type: 'step.skipped',
      data,
      work: async (tx) => {
        changed(await tx.runs.finishStep({ investigationId: lease.runId, ...step, end: { status: 'skipped' } }))
        return { actor: ENGINE, action: 'step.skipped', investigation: lease.runId, data }
      },
    })
  }

  async finish(lease: RunLease, outcome: RunOutcome, results: JsonValue | undefined): Promise<void> {
    const action = `investigation.${outcome.status}`
    const data = { ...describeOutcome(outcome), ...(results === undefined ? {} : { resultsSha256: contentHash(results) }) }
    await this.#advance(lease, {
      type: action,
      data,
      work: async (tx, stored) => {
        const fields = outcomeFields(outcome, await tx.runs.listSteps(lease.runId), results)
        const completedAt = new Date(Math.max(this.#clock.now().getTime(), stored.createdAt.getTime()))
        const processingTimeMs = completedAt.getTime() - stored.createdAt.getTime()
        await tx.investigations.save({ ...stored, ...fields, completedAt, processingTimeMs })
        const outcomeWord = outcome.status === 'completed' ? 'success' : 'failure'
        return { actor: ENGINE, action, investigation: lease.runId, outcome: outcomeWord, data }
      },
    })
  }

  async requestCancel(id: string): Promise<CancelOutcome> {
    const seen = await this.#db.investigations.get(id)
    if (seen === undefined) return 'unknown'
    if (isTerminal(seen.status)) return 'ended'
    try {
      await this.#db.transaction(async (tx) => {
        await tx.runs.appendEvent({ investigationId: id, type: CANCEL_REQUESTED })
        const { userId } = await requireInvestigation(tx, id)
        tx.audit({ actor: { kind: 'human', id: userId ?? 'local' }, action: CANCEL_REQUESTED, investigation: id })
      })
      return 'requested'
    } catch (thrown) {
      // It ended between the look and the lock.
      if (hasCode(thrown, 'ORCHESTRATOR_RUN_FENCED')) return 'ended'
      throw thrown
    }
  }

  isOutage(error: Error): boolean {
    return error instanceof DatabaseError && (error.transient || OUTAGES.has(error.code))
  }

  /** The event first: it locks the investigation's row, as everywhere, so that what is read after it stays true. */
  async #advance(lease: RunLease, { type, data = {}, work }: Advance): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.runs.appendEvent({ investigationId: lease.runId, type, data })
      const stored = await requireInvestigation(tx, lease.runId)
      if (stored.version !== lease.token) throw new RunFencedError(`somebody else carries out ${lease.runId} by now`, facts(lease.runId))
      tx.audit(await work(tx, stored))
    })
  }

  async #wasCancelRequested(id: string): Promise<boolean> {
    let afterSeq: number | undefined = 0
    while (afterSeq !== undefined) {
      const events = await this.#db.runs.listEvents(id, { afterSeq, limit: EVENTS_PAGE })
      if (events.some(({ type }) => type === CANCEL_REQUESTED)) return true
      afterSeq = events.length < EVENTS_PAGE ? undefined : events.at(-1)?.seq
    }
    return false
  }
}

/** @throws RunFencedError when it is gone, or has ended. */
async function requireInvestigation(tx: DatabaseTransaction, id: string): Promise<Investigation> {
  const stored = await tx.investigations.get(id)
  if (stored === undefined) throw new RunFencedError(`the investigation ${id} is gone`, facts(id))
  if (isTerminal(stored.status)) throw new RunFencedError(`the investigation ${id} has ended as ${stored.status}`, facts(id))
  return stored
}

/** The step as changed. Under the lease it always is; where it is not, the run is not what its holder thinks it is. */
function changed({ outcome, step }: StepChange): StepChange['step'] {
  if (outcome === 'changed') return step
  const { investigationId, stepId, attempt, status } = step
  throw new RunFencedError(`step ${stepId} of ${investigationId} is ${status} already, in attempt ${attempt}`, facts(investigationId))
}

function facts(investigation: string): { readonly facts: { readonly investigation: string } } {
  return { facts: { investigation } }
}
