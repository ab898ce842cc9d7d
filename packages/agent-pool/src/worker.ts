import { move, transferableSymbol, valueSymbol } from 'piscina'
import { AgentHost } from './worker-side/agent-host.ts'
import type { ThreadWarmUp, ToWorker, WorkerReply, WorkerTask } from './workers/wire.ts'

let host: AgentHost | undefined

/**
 * The entry point of a pool's thread; Piscina calls it with each task, and posts what it returns: a `WorkerReply`, or
 * one wrapped for transfer.
 */
export async function handle(task: ThreadWarmUp | Exclude<WorkerTask, { kind: 'warm-up' }>): Promise<unknown> {
  if (task.kind === 'warm-up') host = hostOf(task)
  if (host === undefined) throw new Error('a run reached a thread that was not warmed up')
  return toPostable(await host.handle(task))
}

function hostOf({ control }: ThreadWarmUp): AgentHost {
  const created = new AgentHost((message) => control.postMessage(message))
  control.on('message', (message: ToWorker) => created.receive(message))
  return created
}

/** Below this, handing over memory costs more than copying it. */
const TRANSFER_FROM_BYTES = 65_536

function toPostable(reply: WorkerReply): unknown {
  if (reply.kind !== 'returned' || reply.output.byteLength < TRANSFER_FROM_BYTES) return reply
  return move({ [transferableSymbol]: reply.output.buffer, [valueSymbol]: reply })
}
