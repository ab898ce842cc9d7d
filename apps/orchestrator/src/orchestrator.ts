import { maskCpfs, type Clock, type Logger } from '@cidadao/contracts'
import { uuidV7, type Investigation, type OwnerScope } from '@cidadao/db'
import type { EventPageView, EventRange, InvestigationApi, InvestigationPage, InvestigationView, ListFilter } from './api/api-ports.ts'
import type { SourceFolder } from './api/source-folder.ts'
import type { InvestigationProofs } from './audit/investigation-proofs.ts'
import type { ExecutionEngine } from './engine/execution-engine.ts'
import { IdempotencyConflictError, InvestigationNotFoundError } from './errors.ts'
import { idOfKey } from './idempotent-id.ts'
import { listEvents, listInvestigations, readInvestigation, requireInvestigation, type ReadableDatabase } from './investigation-views.ts'
import type { InvestigationRequest, Planner } from './plan/planner.ts'
import { validatePlan } from './plan/validate-plan.ts'

export interface OrchestratorDependencies {
  readonly db: ReadableDatabase
  readonly engine: ExecutionEngine
  readonly planner: Planner
  readonly agents: ReadonlySet<string>
  /** Looks whether the source can be read at all, before anything is stored. @throws when it cannot. */
  readonly inspectSource: (source: string) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** Takes questions, gives answers: what the HTTP API and the terminal both talk to. */
export class Orchestrator {
  readonly #deps: OrchestratorDependencies
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(deps: OrchestratorDependencies) {
    this.#deps = deps
  }

  /**
   * Plans, checks, stores and begins an investigation. When it resolves, the investigation survives this process. A CPF
   * in the question is masked before anything sees it.
   *
   * @throws QueryNotUnderstoodError, PlanInvalidError, IdempotencyConflictError, EngineFullError, EngineStoppingError, or what is wrong with the source; nothing is stored then.
   */
  async submit(request: InvestigationRequest, by: Submitter = {}): Promise<InvestigationView> {
    const { owner = null, idempotencyKey } = by
    const asked = { query: maskCpfs(request.query), source: request.source }
    const id = idempotencyKey === undefined ? uuidV7(this.#deps.clock.now()) : idOfKey(owner, idempotencyKey)
    if (idempotencyKey === undefined) await this.#store({ id, owner, ...asked })
    else await this.#storeOnce({ id, owner, ...asked })
    return this.get(id)
  }

  /** @throws InvestigationNotFoundError, also for what the scope does not see; so do all below */
  get(id: string, scope: OwnerScope = {}): Promise<InvestigationView> {
    return readInvestigation(this.#deps.db, id, scope)
  }

  list(filter: ListFilter): Promise<InvestigationPage> {
    return listInvestigations(this.#deps.db, filter)
  }

  async cancel(id: string, scope: OwnerScope = {}): Promise<InvestigationView> {
    await requireInvestigation(this.#deps.db, id, scope)
    const outcome = await this.#deps.engine.cancel(id)
    if (outcome === 'unknown') throw new InvestigationNotFoundError(id)
    this.#deps.logger.info('cancellation requested', { investigation: id, outcome })
    return this.get(id, scope)
  }

  /** What happened, in order. */
  events(id: string, scope: OwnerScope, range: EventRange): Promise<EventPageView> {
    return listEvents(this.#deps.db, { id, scope, ...range })
  }

  /** Tells of investigations that this process moved on. Returns how to stop. */
  onChange(listener: (id: string) => void): () => void {
    const { events } = this.#deps.engine
    const told = ({ id }: { readonly id: string }): void => listener(id)
    const names = ['run-submitted', 'step-started', 'step-ended', 'run-ended'] as const
    const unsubscribe = names.map((name) => events.on(name, told))
    return () => unsubscribe.forEach((stop) => stop())
  }

  async #store({ id, owner, query, source }: Asked): Promise<void> {
    const { planner, agents, inspectSource, engine } = this.#deps
    const { plan } = await planner.plan({ query, source })
    const valid = validatePlan(plan, agents)
    await inspectSource(source)
    await engine.submit({ id, owner, query, source, plan: valid })
  }

  /** The id is made of the key, so whoever comes second finds what the first has stored; in this process, or waits for it. */
  async #storeOnce(asked: Asked): Promise<void> {
    const { id } = asked
    // Whether the first succeeds is the first one's to tell; then it is our turn.
    for (let first = this.#underWay.get(id); first !== undefined; first = this.#underWay.get(id)) await first.catch(() => {})
    const storing = this.#storeUnlessThere(asked)
    this.#underWay.set(id, storing)
    try {
      await storing
    } finally {
      this.#underWay.delete(id)
    }
  }

  async #storeUnlessThere(asked: Asked): Promise<void> {
    const { investigations } = this.#deps.db
    if ((await investigations.get(asked.id)) === undefined) await this.#store(asked)
    // Another process may have been faster, with another request.
    const stored = await investigations.get(asked.id)
    if (stored !== undefined && !isSame(stored, asked)) {
      throw new IdempotencyConflictError('this idempotency key was used for another question or source; make up a new one')
    }
  }
}

/** On whose behalf is submitted. */
export interface Submitter {
  /** @default null, for nobody */
  readonly owner?: string | null
  /** The same one of the same owner with the same request submits once; with another request it is refused. */
  readonly idempotencyKey?: string
}

interface Asked extends InvestigationRequest {
  readonly id: string
  readonly owner: string | null
}

function isSame(stored: Investigation, { query, source, owner }: Asked): boolean {
  return stored.query === query && stored.metadata.source === source && stored.userId === owner
}

/** For requests from the network: a source is a name inside the configured folder, and no path of this machine comes back. */
export function apiOf(orchestrator: Orchestrator, sources: SourceFolder, proofs: InvestigationProofs): InvestigationApi {
  return {
    submit: ({ query, source, ...by }) =>
      sources.open(source, async (path) => sources.conceal(await orchestrator.submit({ query, source: path }, by))),
    get: async (id, scope) => sources.conceal(await orchestrator.get(id, scope)),
    list: async (filter) => {
      const { items, next } = await orchestrator.list(filter)
      return { items: items.map((item) => sources.conceal(item)), next }
    },
    cancel: async (id, scope) => sources.conceal(await orchestrator.cancel(id, scope)),
    events: async (id, scope, range) => {
      const page = await orchestrator.events(id, scope, range)
      return { ...page, items: page.items.map((event) => ({ ...event, data: sources.concealData(event.data) })) }
    },
    onChange: (listener) => orchestrator.onChange(listener),
    auditProofs: async (id, scope, range) => proofs.page((await orchestrator.get(id, scope)).id, range),
    verifyAudit: async (id, scope) => proofs.verify((await orchestrator.get(id, scope)).id),
  }
}
