import { deserialize } from 'node:v8'
import type { JsonValue } from '@cidadao/contracts'
import type { AgentThread, ThreadReply } from '../threads/agent-thread.ts'
import type { WorkerReply } from '../threads/wire.ts'
import { fromWireError } from '../threads/wire-error.ts'
import { describeShape } from '../value-shape.ts'
import type { Assignment, Execution, ExecutionResult } from './execution.ts'

/** Runs an agent on a warm thread of its own for that time; killing it kills the thread. */
export function executeInThread(thread: AgentThread, assignment: Assignment): Execution {
  const report = (json: string): void => assignment.onProgress(JSON.parse(json) as JsonValue)
  const task = {
    kind: 'run' as const,
    runId: assignment.runId,
    agent: assignment.agent,
    input: assignment.rawInput,
    deadline: assignment.deadline,
    tenant: assignment.tenant,
    wantsProgress: assignment.wantsProgress,
  }
  const result = thread.run(task, report).then((reply) => toResult(reply, assignment))
  return { result, cancel: (reason) => thread.cancel(assignment.runId, reason), kill: () => void thread.kill() }
}

function toResult(reply: ThreadReply, assignment: Assignment): ExecutionResult {
  if (reply.kind === 'died') return reply
  if (reply.kind === 'reply') return decode(reply.reply, assignment)
  const rule = `cannot enter a thread: ${reply.error.message}`
  return { kind: 'input-invalid', problem: { field: '', rule, shape: describeShape(assignment.rawInput), issues: 1 } }
}

function decode(reply: WorkerReply, assignment: Assignment): ExecutionResult {
  if (reply.kind === 'warm' || reply.kind === 'warm-up-failed') throw new Error(`a thread answered a run with "${reply.kind}"`)
  if (reply.progress.last !== undefined) assignment.onProgress(JSON.parse(reply.progress.last) as JsonValue)
  if (reply.progress.dropped > 0) assignment.onProgressDropped(reply.progress.dropped)
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
