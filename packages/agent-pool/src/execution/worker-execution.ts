import { deserialize } from 'node:v8'
import type { JsonValue } from '@cidadao/contracts'
import { describeShape } from '../value-shape.ts'
import type { AgentWorker, WorkerAnswer } from '../workers/agent-worker.ts'
import type { RunReply } from '../workers/wire.ts'
import { fromWireError } from '../workers/wire-error.ts'
import type { Assignment, Execution, ExecutionResult } from './execution.ts'

/** Runs an agent on a warm worker of its own for that time; killing it kills the worker. */
export function executeInWorker(worker: AgentWorker, assignment: Assignment): Execution {
  const report = (json: string): void => assignment.onProgress(JSON.parse(json) as JsonValue)
  const task = {
    kind: 'run' as const,
    runId: assignment.runId,
    agent: assignment.agent,
    input: assignment.rawInput,
    deadline: assignment.deadline,
    tenant: assignment.tenant,
    attempt: assignment.attempt,
    budget: assignment.budget,
    wantsProgress: assignment.wantsProgress,
  }
  const result = worker.run(task, report).then((reply) => toResult(reply, assignment))
  return { result, cancel: (reason) => worker.cancel(assignment.runId, reason), kill: () => void worker.kill() }
}

function toResult(reply: WorkerAnswer, assignment: Assignment): ExecutionResult {
  if (reply.kind === 'died') return reply
  if (reply.kind === 'reply') return decode(reply.reply, assignment)
  const rule = `cannot enter a worker: ${reply.error.message}`
  return { kind: 'input-invalid', problem: { field: '', rule, shape: describeShape(assignment.rawInput), issues: 1 } }
}

function decode(reply: RunReply, assignment: Assignment): ExecutionResult {
  if (reply.rest.last !== undefined) assignment.onProgress(JSON.parse(reply.rest.last) as JsonValue)
  if (reply.rest.dropped > 0) assignment.onProgressDropped(reply.rest.dropped)
  switch (reply.kind) {
    case 'returned':
      return { kind: 'returned', output: deserialize(reply.output) as unknown }
    case 'threw':
      return { kind: 'threw', error: fromWireError(reply.error) }
    case 'input-invalid':
    case 'output-invalid':
      return { kind: reply.kind, problem: reply.problem }
  }
}
