import type { JsonValue } from '@cidadao/contracts'
import type { AgentContext, InlineAgent } from '../agent.ts'
import { AgentPoolOptionsError, BudgetExceededError } from '../errors.ts'

/** What a run's context is made of, inline or in a worker. */
export interface ContextParts {
  readonly agent: Pick<InlineAgent, 'name' | 'version'>
  readonly runId: string
  readonly signal: AbortSignal
  readonly deadline: Date | undefined
  readonly tenant: string
  readonly attempt: number
  readonly budget: Readonly<Record<string, number>>
  report(progress: JsonValue): void
  permit(upstream: string, tokens: number): Promise<void>
}

export function createContext(parts: ContextParts): AgentContext {
  const spent = new Map<string, number>()
  return {
    agent: parts.agent.name,
    version: parts.agent.version,
    runId: parts.runId,
    signal: parts.signal,
    deadline: parts.deadline,
    tenant: parts.tenant,
    attempt: parts.attempt,
    progress: (value) => parts.report(value),
    permit: (upstream, tokens = 1) => parts.permit(upstream, tokens),
    spend: (resource, amount) => {
      if (!(Number.isFinite(amount) && amount >= 0)) throw new AgentPoolOptionsError('amount', 'must be a number ≥ 0', amount)
      const limit = parts.budget[resource] ?? Number.POSITIVE_INFINITY
      const wanted = (spent.get(resource) ?? 0) + amount
      // Refused before it is spent: what is in the budget stays there for something smaller.
      if (wanted > limit) throw new BudgetExceededError(parts.agent.name, { resource, limit, wanted })
      spent.set(resource, wanted)
    },
  }
}
