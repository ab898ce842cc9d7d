import { toError, type JsonValue } from '@cidadao/contracts'
import { AgentsUnavailableError } from '../../errors.ts'
import type { AgentStep } from '../../plan/plan.ts'
import type { StepFailure } from '../decide.ts'
import type { StepEnding } from '../run-store.ts'
import { inputHash, resolveInputs } from '../step-inputs.ts'
import type { StepMemory, StepRunner } from '../step-runner.ts'
import type { ClaimedStep } from './run-ledger.ts'

export interface StepWorkDependencies {
  readonly runner: StepRunner
  readonly memory: StepMemory
  readonly signal: AbortSignal
  readonly onProgress: (progress: JsonValue) => void
  /** Called when the agent is given the step. */
  readonly onBegin: () => void
}

export interface WorkedStep {
  readonly ending: StepEnding
  readonly inputHash: string
  readonly transient: boolean
}

/**
 * Does one step. Whoever aborts it decides what that means: it ends as cancelled.
 *
 * @throws AgentsUnavailableError nothing was wrong with the step
 */
export async function workOn(step: AgentStep, claimed: ClaimedStep, deps: StepWorkDependencies): Promise<WorkedStep> {
  const { runner, memory, signal } = deps
  const inputs = resolveInputs(step, claimed.results)
  const hash = inputHash(step.agent, runner.agentVersions.get(step.agent) ?? '', inputs)
  const deterministic = runner.isDeterministic(step.agent)
  const known = deterministic ? await memory.recall(hash) : undefined
  if (known !== undefined) return { ending: { status: 'completed', result: known, remembered: true }, inputHash: hash, transient: false }
  let result: JsonValue
  try {
    signal.throwIfAborted()
    const { agent, timeoutMs } = step
    const running = runner.run({ agent, inputs, timeoutMs, signal, onProgress: deps.onProgress })
    deps.onBegin()
    result = await running
  } catch (thrown) {
    if (signal.aborted) return { ending: { status: 'cancelled' }, inputHash: hash, transient: false }
    if (thrown instanceof AgentsUnavailableError) throw thrown
    return { ending: { status: 'failed', failure: toFailure(thrown) }, inputHash: hash, transient: isTransient(thrown) }
  }
  if (deterministic) await memory.remember(hash, result)
  return { ending: { status: 'completed', result, remembered: false }, inputHash: hash, transient: false }
}

export function toFailure(thrown: unknown): StepFailure {
  const error = toError(thrown)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'AGENT_FAILED'
  return { code, message: error.message }
}

/** Errors say so themselves. */
function isTransient(thrown: unknown): boolean {
  return thrown instanceof Error && 'transient' in thrown && thrown.transient === true
}
