import { InfraError } from '@cidadao/contracts'

/** A plan that cannot run. `problems` has every reason, each naming step, rule and value. */
export class PlanInvalidError extends InfraError {
  readonly code = 'ORCHESTRATOR_PLAN_INVALID'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the plan cannot run: ${problems.join('; ')}`, { facts: { problems: problems.length } })
    this.problems = problems
  }
}

/** No rule template understands the question. The message names kinds of question that are understood. */
export class QueryNotUnderstoodError extends InfraError {
  readonly code = 'ORCHESTRATOR_QUERY_NOT_UNDERSTOOD'
}

/** No investigation has this id, or it belongs to somebody else. */
export class InvestigationNotFoundError extends InfraError {
  readonly code = 'ORCHESTRATOR_INVESTIGATION_NOT_FOUND'

  constructor(id: string) {
    super(`no investigation has the id "${id}"; "cidadao list" shows those there are`, { facts: { id } })
  }
}

/** The investigation has no results: it has not ended, or ended without. */
export class ResultsNotReadyError extends InfraError {
  readonly code = 'ORCHESTRATOR_RESULTS_NOT_READY'

  constructor(id: string, status: string) {
    super(`investigation ${id} is ${status} and has no results; read it again when it is completed`, { facts: { id, status } })
  }
}

/** The same idempotency key came with another question or another source. Nothing was stored. */
export class IdempotencyConflictError extends InfraError {
  readonly code = 'ORCHESTRATOR_IDEMPOTENCY_CONFLICT'
}

/** A source that may not be read, or that the request names in a way that leaves the configured folder. */
export class SourceRefusedError extends InfraError {
  readonly code = 'ORCHESTRATOR_SOURCE_REFUSED'
}

/** Somebody else carries out the investigation by now, or it has ended: what came late was dropped. */
export class RunFencedError extends InfraError {
  readonly code = 'ORCHESTRATOR_RUN_FENCED'
}

/** The agents could not take a step now: their queue is full, or they rest or stop. The step waits and is tried again. */
export class AgentsUnavailableError extends InfraError {
  readonly code = 'ORCHESTRATOR_AGENTS_UNAVAILABLE'
}

/** The engine is at its bound of open investigations. Try again after one has ended. */
export class EngineFullError extends InfraError {
  readonly code = 'ORCHESTRATOR_ENGINE_FULL'
}

/** The engine is stopping: it takes nothing new, and leaves what is open to the next start. */
export class EngineStoppingError extends InfraError {
  readonly code = 'ORCHESTRATOR_ENGINE_STOPPING'
}

/** An option of the engine has an impossible value. */
export class EngineOptionsError extends InfraError {
  readonly code = 'ORCHESTRATOR_ENGINE_OPTIONS_INVALID'
}

/** The HTTP port is taken by another process. */
export class PortInUseError extends InfraError {
  readonly code = 'ORCHESTRATOR_PORT_IN_USE'
}

/** A file is not the one that the investigation began with. Start a new one. */
export class SourceChangedError extends InfraError {
  readonly code = 'ORCHESTRATOR_SOURCE_CHANGED'
}
