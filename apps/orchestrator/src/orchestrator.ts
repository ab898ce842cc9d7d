import { maskCpfs, type Clock, type Logger } from '@cidadao/contracts'
import { uuidV7 } from '@cidadao/db'
import type { InvestigationView } from './api/api-ports.ts'
import type { InvestigationApi, InvestigationPage } from './api/investigation-routes.ts'
import type { SourceFolder } from './api/source-folder.ts'
import type { ExecutionEngine } from './engine/execution-engine.ts'
import { InvestigationNotFoundError } from './errors.ts'
import { listInvestigations, readInvestigation, type InvestigationFilter, type ReadableDatabase } from './investigation-views.ts'
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

  constructor(deps: OrchestratorDependencies) {
    this.#deps = deps
  }

  /**
   * Plans, checks, stores and begins an investigation. When it resolves, the investigation survives this process. A CPF
   * in the question is masked before anything sees it.
   *
   * @throws QueryNotUnderstoodError, PlanInvalidError, EngineFullError, EngineStoppingError, or what is wrong with the source; nothing is stored then.
   */
  async submit(request: InvestigationRequest, owner: string | null = null): Promise<InvestigationView> {
    const { source } = request
    const query = maskCpfs(request.query)
    const { plan } = await this.#deps.planner.plan({ ...request, query })
    const valid = validatePlan(plan, this.#deps.agents)
    await this.#deps.inspectSource(source)
    const id = uuidV7(this.#deps.clock.now())
    await this.#deps.engine.submit({ id, owner, query, source, plan: valid })
    return this.get(id)
  }

  get(id: string): Promise<InvestigationView> {
    return readInvestigation(this.#deps.db, id)
  }

  list(filter: InvestigationFilter): Promise<InvestigationPage> {
    return listInvestigations(this.#deps.db, filter)
  }

  /** @throws InvestigationNotFoundError */
  async cancel(id: string): Promise<InvestigationView> {
    const outcome = await this.#deps.engine.cancel(id)
    if (outcome === 'unknown') throw new InvestigationNotFoundError(id)
    this.#deps.logger.info('cancellation requested', { investigation: id, outcome })
    return this.get(id)
  }
}

/** For requests from the network: a source is a name inside the configured folder, and no path of this machine comes back. */
export function apiOf(orchestrator: Orchestrator, sources: SourceFolder): InvestigationApi {
  return {
    submit: ({ query, source }) => sources.open(source, (path) => orchestrator.submit({ query, source: path })),
    get: async (id) => sources.conceal(await orchestrator.get(id)),
    list: async (filter) => {
      const { items, next } = await orchestrator.list(filter)
      return { items: items.map((item) => sources.conceal(item)), next }
    },
    cancel: async (id) => sources.conceal(await orchestrator.cancel(id)),
  }
}
