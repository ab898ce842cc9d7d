import { serialize } from 'node:v8'
import type { MessagePort } from 'node:worker_threads'
import { systemClock, toError } from '@cidadao/contracts'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import type { AgentContext, InlineAgent } from './agent.ts'
import { ProgressThrottle } from './execution/progress-throttle.ts'
import { checkAgainst, type SchemaCheck } from './schema-check.ts'
import type { CancelMessage, ProgressMessage, RunTask, WarmUpTask, WorkerReply, WorkerTask } from './threads/wire.ts'
import { fromWireError, toWireError } from './threads/wire-error.ts'
import { describeShape } from './value-shape.ts'

/** One thread: what the warm-up left, and the run in hand. One run at a time, so one of each is enough. */
interface Thread {
  readonly control: MessagePort
  readonly limits: WarmUpTask['limits']
  readonly agents: ReadonlyMap<string, InlineAgent>
  /** Its number rises with each run. */
  current: { readonly runId: string; readonly controller: AbortController } | undefined
  /** A cancellation that overtook its run: tasks and cancellations come through different ports. */
  early: CancelMessage | undefined
}

let thread: Thread | undefined

/**
 * The entry point of a pool's thread; Piscina calls it with each task, and posts what it returns: a `WorkerReply`, or
 * one wrapped for transfer. It reports failures and does not throw.
 */
export async function handle(task: WorkerTask): Promise<unknown> {
  if (task.kind === 'warm-up') return warmUp(task)
  if (thread === undefined) throw new Error('a run reached a thread that was not warmed up')
  return toPostable(await runAgent(thread, task))
}

/** Below this, handing over memory costs more than copying it. */
const TRANSFER_FROM_BYTES = 65_536

function toPostable(reply: WorkerReply): unknown {
  if (reply.kind !== 'returned' || reply.output.byteLength < TRANSFER_FROM_BYTES) return reply
  return move({ [transferableSymbol]: reply.output.buffer, [valueSymbol]: reply })
}

async function warmUp(task: WarmUpTask): Promise<WorkerReply> {
  try {
    const agents = await Promise.all(task.agents.map(async (reference) => [reference.name, await load(reference)] as const))
    const warm: Thread = { control: task.control, limits: task.limits, agents: new Map(agents), current: undefined, early: undefined }
    task.control.on('message', (message: CancelMessage) => cancel(warm, message))
    thread = warm
    return { kind: 'warm' }
  } catch (thrown) {
    return { kind: 'warm-up-failed', error: toWireError(thrown) }
  }
}

async function load(reference: WarmUpTask['agents'][number]): Promise<InlineAgent> {
  const found = ((await import(reference.module)) as Readonly<Record<string, unknown>>)[reference.exportName]
  const where = `export "${reference.exportName}" of ${reference.module}`
  if (!isInlineAgent(found)) {
    throw new Error(`agent "${reference.name}": ${where} is ${describeShape(found)}, not an agent made by defineAgent`)
  }
  if (found.name !== reference.name || found.version !== reference.version) {
    throw new Error(
      `agent "${reference.name}" ${reference.version}: ${where} is agent "${found.name}" ${found.version}; name and version must be the same`,
    )
  }
  return found
}

function isInlineAgent(value: unknown): value is InlineAgent {
  if (typeof value !== 'object' || value === null) return false
  const agent = value as Partial<InlineAgent>
  return agent.isolation === 'inline' && typeof agent.run === 'function' && agent.input !== undefined && agent.output !== undefined
}

function cancel(warm: Thread, message: CancelMessage): void {
  if (warm.current?.runId === message.runId) warm.current.controller.abort(fromWireError(message.reason))
  else warm.early = message
}

async function runAgent(warm: Thread, task: RunTask): Promise<WorkerReply> {
  const controller = new AbortController()
  warm.current = { runId: task.runId, controller }
  if (warm.early?.runId === task.runId) cancel(warm, warm.early)
  warm.early = undefined
  const throttle = new ProgressThrottle(warm.limits, systemClock, (json) => {
    warm.control.postMessage({ runId: task.runId, json } satisfies ProgressMessage)
  })
  try {
    return await runChecked(warm, task, { controller, throttle })
  } catch (thrown) {
    return { kind: 'threw', error: toWireError(thrown), progress: throttle.close() }
  } finally {
    throttle.close()
    warm.current = undefined
  }
}

interface RunParts {
  readonly controller: AbortController
  readonly throttle: ProgressThrottle
}

async function runChecked(warm: Thread, task: RunTask, parts: RunParts): Promise<WorkerReply> {
  const agent = warm.agents.get(task.agent)
  if (agent === undefined) throw new Error(`this thread does not know agent "${task.agent}"`)
  const input = await checkAgainst(agent.input, task.input)
  if (!input.valid) return invalid('input-invalid', input, parts.throttle)
  const returned: unknown = await agent.run(input.value, contextOf(agent, task, parts))
  const output = await checkAgainst(agent.output, returned)
  if (!output.valid) return invalid('output-invalid', output, parts.throttle)
  return encode(returned, parts.throttle)
}

function contextOf(agent: InlineAgent, task: RunTask, parts: RunParts): AgentContext {
  return {
    agent: agent.name,
    version: agent.version,
    runId: task.runId,
    signal: parts.controller.signal,
    deadline: task.deadline,
    tenant: task.tenant,
    progress: (value) => {
      if (task.wantsProgress) parts.throttle.report(value)
    },
  }
}

function invalid(
  kind: 'input-invalid' | 'output-invalid',
  check: Extract<SchemaCheck, { valid: false }>,
  throttle: ProgressThrottle,
): WorkerReply {
  return { kind, problem: check.problem, progress: throttle.close() }
}

/** The value goes as the agent returned it; the pool's side parses it, so that a schema that transforms does so once. */
function encode(value: unknown, throttle: ProgressThrottle): WorkerReply {
  let output: Uint8Array
  try {
    output = serialize(value)
  } catch (thrown) {
    const problem = { field: '', rule: `cannot leave the thread: ${toError(thrown).message}`, shape: describeShape(value), issues: 1 }
    return { kind: 'output-invalid', problem, progress: throttle.close() }
  }
  return { kind: 'returned', output, progress: throttle.close() }
}
