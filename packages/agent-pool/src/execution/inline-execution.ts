import { toError, type Clock, type JsonValue } from '@cidadao/contracts'
import type { InlineAgent } from '../agent.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import type { ProgressLimits } from '../workers/wire.ts'
import { createContext } from './agent-context.ts'
import type { Assignment, Execution, ExecutionResult } from './execution.ts'
import { ProgressThrottle } from './progress-throttle.ts'

export interface InlineExecutionOptions {
  readonly limits: ProgressLimits
  readonly clock: Clock
  readonly rateLimiter: RateLimiter
}

/** Runs an agent on this thread. It cannot be stopped against its will; killing it only stops the waiting. */
export function executeInline(agent: InlineAgent, assignment: Assignment, options: InlineExecutionOptions): Execution {
  const controller = new AbortController()
  const throttle = new ProgressThrottle(options.limits, options.clock, (json) => assignment.onProgress(JSON.parse(json) as JsonValue))
  let kill = (): void => {}
  const result = new Promise<ExecutionResult>((resolve) => {
    const end = (ended: ExecutionResult): void => {
      const { last, dropped } = throttle.close()
      if (last !== undefined) assignment.onProgress(JSON.parse(last) as JsonValue)
      if (dropped > 0) assignment.onProgressDropped(dropped)
      resolve(ended)
    }
    kill = () => end({ kind: 'abandoned' })
    void start(agent, assignment, { signal: controller.signal, throttle, rateLimiter: options.rateLimiter }).then(end)
  })
  return { result, cancel: (reason) => controller.abort(reason), kill }
}

async function start(
  agent: InlineAgent,
  assignment: Assignment,
  parts: { readonly signal: AbortSignal; readonly throttle: ProgressThrottle; readonly rateLimiter: RateLimiter },
): Promise<ExecutionResult> {
  const { runId, deadline, tenant, attempt, budget } = assignment
  const context = createContext({
    agent,
    runId,
    deadline,
    tenant,
    attempt,
    budget,
    signal: parts.signal,
    report: (value) => {
      if (assignment.wantsProgress) parts.throttle.report(value)
    },
    permit: (upstream, tokens) => parts.rateLimiter.acquire(upstream, tokens, parts.signal),
  })
  try {
    // The agent begins in a turn of its own: what it does at once cannot re-enter the pool's bookkeeping.
    await Promise.resolve()
    return { kind: 'returned', output: await agent.run(assignment.parsedInput, context) }
  } catch (thrown) {
    return { kind: 'threw', error: toError(thrown) }
  }
}
