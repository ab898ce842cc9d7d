import { resolve, sep } from 'node:path'
import type { Clock, Logger } from '@cidadao/contracts'
import { uuidV7 } from '@cidadao/db'
import type { InvestigationView } from './api/api-ports.ts'
import type { InvestigationApi, InvestigationPage } from './api/investigation-routes.ts'
import type { ExecutionEngine } from './engine/execution-engine.ts'
import { SourceRefusedError } from './errors.ts'
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
   * Plans, checks, stores and begins an investigation. When it resolves, the investigation survives this process.
   *
   * @throws QueryNotUnderstoodError, PlanInvalidError, EngineFullError, or what is wrong with the source; nothing is stored then.
   */
  async submit(request: InvestigationRequest, owner: string | null = null): Promise<InvestigationView> {
    const { plan } = await this.#deps.planner.plan(request)
    const valid = validatePlan(plan, this.#deps.agents)
    await this.#deps.inspectSource(request.source)
    const id = uuidV7(this.#deps.clock.now())
    await this.#deps.engine.submit({ id, owner, query: request.query, source: request.source, plan: valid })
    return this.get(id)
  }

  get(id: string): Promise<InvestigationView> {
    return readInvestigation(this.#deps.db, id)
  }

  list(filter: InvestigationFilter): Promise<InvestigationPage> {
    return listInvestigations(this.#deps.db, filter)
  }

  async cancel(id: string): Promise<InvestigationView> {
    const view = await this.get(id)
    const outcome = await this.#deps.engine.cancel(id)
    // Nobody here carries it out: it waits for a process that will never come, or another one has it and will be fenced.
    if (outcome === 'unknown') await this.#deps.db.investigations.cancel(id, { reason: 'cancelled on request' })
    this.#deps.logger.info('cancellation requested', { investigation: id, outcome })
    return outcome === 'ended' ? view : this.get(id)
  }
}

/** For requests from the network: a source is a name inside the configured folder, never a path of this machine. */
export function apiOf(orchestrator: Orchestrator, dataSourceRoot: string | undefined): InvestigationApi {
  return {
    submit: ({ query, source }) => orchestrator.submit({ query, source: insideRoot(source, dataSourceRoot) }),
    get: (id) => orchestrator.get(id),
    list: (filter) => orchestrator.list(filter),
    cancel: (id) => orchestrator.cancel(id),
  }
}

function insideRoot(source: string, root: string | undefined): string {
  if (root === undefined) {
    throw new SourceRefusedError('source: requests may not name files here; set CIDADAO_DATA_SOURCE_ROOT to the folder that holds them')
  }
  const path = resolve(root, source)
  if (path !== root && !path.startsWith(root + sep)) {
    throw new SourceRefusedError(`source: must be a file or folder inside the configured data folder, got ${JSON.stringify(source)}`)
  }
  return path
}
