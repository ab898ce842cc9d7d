import { memoryUsage } from 'node:process'
import { getHeapStatistics, serialize } from 'node:v8'
import { isMainThread } from 'node:worker_threads'
import { systemClock, toError } from '@cidadao/contracts'
import type { InlineAgent } from '../agent.ts'
import { createContext } from '../execution/agent-context.ts'
import { ProgressThrottle } from '../execution/progress-throttle.ts'
import { checkAgainst, type SchemaCheck } from '../schema-check.ts'
import { describeShape } from '../value-shape.ts'
import type {
  CancelMessage,
  FromWorker,
  RunReply,
  RunRest,
  RunTask,
  ToWorker,
  UnreadyAgent,
  WarmUpTask,
  WorkerReply,
  WorkerTask,
} from '../workers/wire.ts'
import { fromWireError, toWireError } from '../workers/wire-error.ts'
import { loadAgent } from './load-agent.ts'
import { PermitRequests } from './permit-requests.ts'

/** What the warm-up left. */
interface Warm {
  readonly limits: WarmUpTask['limits']
  readonly measuresMemory: boolean
  readonly agents: ReadonlyMap<string, InlineAgent>
}

interface RunParts {
  readonly controller: AbortController
  readonly throttle: ProgressThrottle
}

/**
 * What a worker, thread or process, does with the tasks it is given. It reports failures and does not throw. One run
 * at a time, so one of each is enough.
 */
export class AgentHost {
  readonly #post: (message: FromWorker) => void
  readonly #permits: PermitRequests
  #warm: Warm | undefined
  /** Its number rises with each run. */
  #current: { readonly runId: string; readonly controller: AbortController } | undefined
  /** A cancellation that overtook its run: tasks and cancellations come through different lines. */
  #early: CancelMessage | undefined

  constructor(post: (message: FromWorker) => void) {
    this.#post = post
    this.#permits = new PermitRequests(post)
  }

  async handle(task: WorkerTask): Promise<WorkerReply> {
    if (task.kind === 'warm-up') return this.#warmUp(task)
    if (this.#warm === undefined) throw new Error('a worker was given a task before it was warmed up')
    switch (task.kind) {
      case 'run':
        return this.#run(this.#warm, task)
      case 'probe':
        return { kind: 'probed', unready: await unreadyOf(this.#warm) }
      case 'dispose':
        await Promise.allSettled([...this.#warm.agents.values()].map(async (agent) => agent.dispose?.()))
        return { kind: 'disposed' }
    }
  }

  receive(message: ToWorker): void {
    if (message.kind === 'permit') this.#permits.answer(message)
    else this.#cancel(message)
  }

  async #warmUp(task: WarmUpTask): Promise<WorkerReply> {
    try {
      const agents = await Promise.all(task.agents.map(async (reference) => loadAgent(reference)))
      await Promise.all(agents.map(async (agent) => agent.init?.()))
      const { limits, measuresMemory } = task
      this.#warm = { limits, measuresMemory, agents: new Map(agents.map((agent) => [agent.name, agent])) }
      const disposes = agents.some((agent) => agent.dispose !== undefined)
      return { kind: 'warm', unready: await unreadyOf(this.#warm), disposes }
    } catch (thrown) {
      return { kind: 'warm-up-failed', error: toWireError(thrown) }
    }
  }

  #cancel(message: CancelMessage): void {
    if (this.#current?.runId === message.runId) this.#current.controller.abort(fromWireError(message.reason))
    else this.#early = message
  }

  async #run(warm: Warm, task: RunTask): Promise<RunReply> {
    const controller = new AbortController()
    this.#current = { runId: task.runId, controller }
    if (this.#early?.runId === task.runId) this.#cancel(this.#early)
    this.#early = undefined
    const throttle = new ProgressThrottle(warm.limits, systemClock, (json) => this.#post({ kind: 'progress', runId: task.runId, json }))
    try {
      return await this.#runChecked(warm, task, { controller, throttle })
    } catch (thrown) {
      return { kind: 'threw', error: toWireError(thrown), rest: restOf(warm, throttle) }
    } finally {
      throttle.close()
      this.#current = undefined
    }
  }

  async #runChecked(warm: Warm, task: RunTask, parts: RunParts): Promise<RunReply> {
    const agent = warm.agents.get(task.agent)
    if (agent === undefined) throw new Error(`this worker does not know agent "${task.agent}"`)
    const input = await checkAgainst(agent.input, task.input)
    if (!input.valid) return invalid('input-invalid', input, restOf(warm, parts.throttle))
    const returned: unknown = await agent.run(input.value, this.#contextOf(agent, task, parts))
    const output = await checkAgainst(agent.output, returned)
    if (!output.valid) return invalid('output-invalid', output, restOf(warm, parts.throttle))
    return encode(returned, () => restOf(warm, parts.throttle))
  }

  #contextOf(agent: InlineAgent, task: RunTask, { controller, throttle }: RunParts): ReturnType<typeof createContext> {
    const { runId, deadline, tenant, attempt, budget, wantsProgress } = task
    return createContext({
      agent,
      runId,
      deadline,
      tenant,
      attempt,
      budget,
      signal: controller.signal,
      report: (value) => {
        if (wantsProgress) throttle.report(value)
      },
      permit: (upstream, tokens) => this.#permits.ask({ runId, upstream, tokens }),
    })
  }
}

/** Asks every agent that has a probe; one that throws says that it cannot work now. */
async function unreadyOf({ agents }: Warm): Promise<readonly UnreadyAgent[]> {
  const asked = [...agents.values()].map(async (agent): Promise<readonly UnreadyAgent[]> => {
    try {
      await agent.probe?.()
      return []
    } catch (thrown) {
      return [{ agent: agent.name, error: toWireError(thrown) }]
    }
  })
  return (await Promise.all(asked)).flat()
}

function restOf({ measuresMemory }: Warm, throttle: ProgressThrottle): RunRest {
  return { ...throttle.close(), memoryBytes: measuresMemory ? heldBytes() : 0 }
}

/** A process has its resident set to itself; of a thread only its heap and buffers can be told apart. */
function heldBytes(): number {
  if (isMainThread) return memoryUsage.rss()
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

function invalid(kind: 'input-invalid' | 'output-invalid', check: Extract<SchemaCheck, { valid: false }>, rest: RunRest): RunReply {
  return { kind, problem: check.problem, rest }
}

/** The value goes as the agent returned it; the pool's side parses it, so that a schema that transforms does so once. */
function encode(value: unknown, rest: () => RunRest): RunReply {
  let output: Uint8Array
  try {
    output = serialize(value)
  } catch (thrown) {
    const problem = { field: '', rule: `cannot leave its worker: ${toError(thrown).message}`, shape: describeShape(value), issues: 1 }
    return { kind: 'output-invalid', problem, rest: rest() }
  }
  return { kind: 'returned', output, rest: rest() }
}
