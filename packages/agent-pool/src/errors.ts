import { InfraError, type InfraErrorOptions } from '@cidadao/contracts'
import { describeShape } from './value-shape.ts'

/** An option of the pool, or of one run, has an impossible value. A programming or configuration mistake. */
export class AgentPoolOptionsError extends InfraError {
  readonly code = 'AGENT_POOL_OPTIONS_INVALID'

  constructor(field: string, rule: string, value: unknown) {
    super(`agent pool option "${field}" ${rule}, got ${received(value)}`, { facts: { field, rule, received: received(value) } })
  }
}

/** `defineAgent`, `defineThreadAgent` or `defineProcessAgent` was given something impossible. A programming mistake. */
export class AgentDefinitionError extends InfraError {
  readonly code = 'AGENT_POOL_DEFINITION_INVALID'

  constructor(agent: unknown, field: string, rule: string, value: unknown) {
    const name = typeof agent === 'string' ? agent : describeShape(agent)
    super(`agent "${name}": "${field}" ${rule}, got ${received(value)}`, { facts: { agent: name, field, rule, received: received(value) } })
  }
}

/** The workers did not come up: a module is missing, exports something else, or fails on import or in `init`. */
export class AgentPoolStartError extends InfraError {
  readonly code = 'AGENT_POOL_START_FAILED'
}

/** The pool was not started, or has been stopped. */
export class AgentPoolNotRunningError extends InfraError {
  readonly code = 'AGENT_POOL_NOT_RUNNING'

  constructor() {
    super('the agent pool is not running: call start() first')
  }
}

/** The pool is being drained and takes no new runs. Send the run elsewhere, or later. */
export class AgentPoolDrainingError extends InfraError {
  readonly code = 'AGENT_POOL_DRAINING'

  constructor() {
    super('the agent pool is draining and takes no new runs')
  }
}

/** The drain's deadline came before this run was done. `started` says whether it had begun. */
export class RunHandedBackError extends InfraError {
  readonly code = 'AGENT_POOL_HANDED_BACK'
  readonly started: boolean

  constructor(agent: string, started: boolean) {
    super(`run of agent "${agent}" was handed back by the drain ${started ? 'while running' : 'before it began'}`, {
      facts: { agent, started },
    })
    this.started = started
  }
}

/** No agent of that name is in the pool. Retrying does not help. */
export class UnknownAgentError extends InfraError {
  readonly code = 'AGENT_POOL_UNKNOWN_AGENT'

  constructor(agent: string, known: readonly string[]) {
    super(`unknown agent "${agent}"; this pool has: ${known.join(', ')}`, { facts: { agent, known: known.join(', ') } })
  }
}

/** What is wrong with a value, without the value itself, which may be personal. */
export interface ShapeProblem {
  /** Path of the first wrong field; empty for the value as a whole. */
  readonly field: string
  /** What the schema says about it. */
  readonly rule: string
  /** Kind and size of what is there. */
  readonly shape: string
  /** How many fields are wrong in all. */
  readonly issues: number
}

/** The input does not match the agent's schema. Retrying the same does not help. */
export class AgentInputInvalidError extends InfraError {
  readonly code = 'AGENT_POOL_INPUT_INVALID'

  constructor(agent: string, problem: ShapeProblem) {
    super(`input of agent "${agent}" is invalid: ${problemText(problem)}`, { facts: { agent, ...problem } })
  }
}

/** The agent returned something else than it declares: a defect of the agent. */
export class AgentOutputInvalidError extends InfraError {
  readonly code = 'AGENT_POOL_OUTPUT_INVALID'

  constructor(agent: string, problem: ShapeProblem) {
    super(`output of agent "${agent}" is invalid: ${problemText(problem)}`, { facts: { agent, ...problem } })
  }
}

export const QUEUE_LIMIT_SCOPES = ['agent', 'tenant'] as const
export type QueueLimitScope = (typeof QUEUE_LIMIT_SCOPES)[number]

/** As many runs wait as may. Try again after `retryAfterMs`. */
export class QueueFullError extends InfraError {
  readonly code = 'AGENT_POOL_QUEUE_FULL'
  readonly retryAfterMs: number

  constructor(agent: string, limit: { readonly scope: QueueLimitScope; readonly queueLimit: number; readonly retryAfterMs: number }) {
    super(`queue of agent "${agent}" is full (${limit.queueLimit} per ${limit.scope}); retry in ${limit.retryAfterMs} ms`, {
      facts: { agent, ...limit },
    })
    this.retryAfterMs = limit.retryAfterMs
  }
}

/** The agent crashed too often and is given a rest. Try again after `retryAfterMs`. */
export class CircuitOpenError extends InfraError {
  readonly code = 'AGENT_POOL_CIRCUIT_OPEN'
  readonly retryAfterMs: number

  constructor(agent: string, retryAfterMs: number) {
    super(`agent "${agent}" crashed too often and rests; retry in ${retryAfterMs} ms`, { facts: { agent, retryAfterMs } })
    this.retryAfterMs = retryAfterMs
  }
}

/** The run waited longer than `queueTimeoutMs` and never began. */
export class QueueTimeoutError extends InfraError {
  readonly code = 'AGENT_POOL_QUEUE_TIMEOUT'

  constructor(agent: string, queueTimeoutMs: number) {
    super(`run of agent "${agent}" did not begin within ${queueTimeoutMs} ms`, { facts: { agent, queueTimeoutMs } })
  }
}

/** The run took longer than `runTimeoutMs` and was stopped. */
export class RunTimeoutError extends InfraError {
  readonly code = 'AGENT_POOL_RUN_TIMEOUT'

  constructor(agent: string, runTimeoutMs: number) {
    super(`agent "${agent}" did not finish within ${runTimeoutMs} ms`, { facts: { agent, runTimeoutMs } })
  }
}

/** The caller's deadline passed, while the run waited or ran. */
export class DeadlineExceededError extends InfraError {
  readonly code = 'AGENT_POOL_DEADLINE_EXCEEDED'

  constructor(agent: string, deadline: Date) {
    super(`deadline ${deadline.toISOString()} of a run of agent "${agent}" has passed`, {
      facts: { agent, deadline: deadline.toISOString() },
    })
  }
}

/** The caller's signal aborted; its reason is the `cause`. */
export class RunCancelledError extends InfraError {
  readonly code = 'AGENT_POOL_CANCELLED'

  constructor(agent: string, cause: unknown) {
    super(`run of agent "${agent}" was cancelled`, { facts: { agent }, cause })
  }
}

export const CRASH_REASONS = ['out-of-memory', 'exit', 'uncaught-error', 'killed'] as const
export type CrashReason = (typeof CRASH_REASONS)[number]

/** The worker died under the agent: out of memory, `process.exit`, an uncaught error or rejection (the `cause`). */
export class AgentCrashedError extends InfraError {
  readonly code = 'AGENT_POOL_AGENT_CRASHED'

  constructor(agent: string, crash: { readonly reason: CrashReason; readonly exitCode: number; readonly cause: unknown }) {
    super(`the worker of agent "${agent}" died: ${crash.reason}`, {
      facts: { agent, reason: crash.reason, exitCode: crash.exitCode },
      cause: crash.cause,
    })
  }
}

/** The agent wanted to spend more than its caller gave the run. More budget, or less work. */
export class BudgetExceededError extends InfraError {
  readonly code = 'AGENT_POOL_BUDGET_EXCEEDED'

  constructor(agent: string, budget: { readonly resource: string; readonly limit: number; readonly wanted: number }) {
    super(`agent "${agent}" wanted ${budget.wanted} ${budget.resource} of a budget of ${budget.limit}`, { facts: { agent, ...budget } })
  }
}

/** The agent itself threw; its error, with class name, code, facts and causes also out of a worker, is the `cause`. */
export class AgentFailedError extends InfraError {
  readonly code = 'AGENT_POOL_AGENT_FAILED'

  constructor(agent: string, error: Error) {
    const errorCode = 'code' in error && typeof error.code === 'string' ? error.code : null
    super(`agent "${agent}" failed: ${error.name}: ${error.message}`, { facts: { agent, errorName: error.name, errorCode }, cause: error })
  }
}

/** An `InfraError` that was thrown in a worker: same name, code, facts, stack and cause, other class. */
export class RemoteInfraError extends InfraError {
  readonly code: string

  constructor(name: string, code: string, message: string, options: InfraErrorOptions) {
    super(message, options)
    this.name = name
    this.code = code
  }
}

function problemText(problem: ShapeProblem): string {
  const field = problem.field === '' ? 'value' : `"${problem.field}"`
  const more = problem.issues > 1 ? `; and ${problem.issues - 1} more` : ''
  return `${field}: ${problem.rule} (has ${problem.shape})${more}`
}

function received(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(printable(value))
}

function printable(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 100) : describeShape(value)
}
