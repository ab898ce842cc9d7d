import { hasCode, InfraError, toError } from '@cidadao/contracts'
import type { AgentDefinition } from '../agent.ts'
import {
  AgentCrashedError,
  AgentFailedError,
  AgentInputInvalidError,
  AgentOutputInvalidError,
  BudgetExceededError,
  RunTimeoutError,
} from '../errors.ts'
import type { RunOutcome } from '../events.ts'
import { checkAgainst } from '../schema-check.ts'
import type { ExecutionResult } from './execution.ts'

/** Why a run must end now, before it does by itself. */
export interface StopOrder {
  readonly outcome: Exclude<RunOutcome, 'succeeded'>
  readonly error: InfraError
}

/** What a run comes to. */
export type Verdict = { readonly outcome: 'succeeded'; readonly value: unknown } | StopOrder

interface Judged {
  readonly agent: AgentDefinition
  readonly timeoutMs: number
}

/** What came of an agent's part, in the words of the pool. Never rejects. */
export async function judge(result: ExecutionResult, { agent, timeoutMs }: Judged): Promise<Verdict> {
  switch (result.kind) {
    case 'returned':
      return parseOutput(agent, result.output)
    case 'threw':
      return { outcome: 'failed', error: failureOf(agent.name, result.error) }
    case 'input-invalid':
      return { outcome: 'failed', error: new AgentInputInvalidError(agent.name, result.problem) }
    case 'output-invalid':
      return { outcome: 'failed', error: new AgentOutputInvalidError(agent.name, result.problem) }
    case 'died': {
      const { reason, exitCode, error } = result.death
      return { outcome: 'crashed', error: new AgentCrashedError(agent.name, { reason, exitCode, cause: error }) }
    }
    case 'abandoned':
      return { outcome: 'timed-out', error: new RunTimeoutError(agent.name, timeoutMs) }
  }
}

async function parseOutput(agent: AgentDefinition, output: unknown): Promise<Verdict> {
  try {
    const check = await checkAgainst(agent.output, output)
    if (check.valid) return { outcome: 'succeeded', value: check.value }
    return { outcome: 'failed', error: new AgentOutputInvalidError(agent.name, check.problem) }
  } catch (thrown) {
    return { outcome: 'failed', error: new AgentFailedError(agent.name, toError(thrown)) }
  }
}

/** A run out of budget is told as that, also out of a worker, from where the class does not come along. */
function failureOf(agent: string, error: Error): InfraError {
  if (error instanceof BudgetExceededError) return error
  if (!hasCode(error, 'AGENT_POOL_BUDGET_EXCEEDED') || !(error instanceof InfraError)) return new AgentFailedError(agent, error)
  const { resource, limit, wanted } = error.facts
  return new BudgetExceededError(agent, { resource: String(resource), limit: Number(limit), wanted: Number(wanted) })
}
