import { deserialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { toError } from '@cidadao/contracts'
import type { FromChild, ToChild } from '../workers/process-transport.ts'
import type { WorkerTask } from '../workers/wire.ts'
import { toWireError } from '../workers/wire-error.ts'
import { AgentHost } from './agent-host.ts'

/** Serves the pool that forked this process, until it is gone. */
export function serveAgentProcess(): void {
  const host = new AgentHost((message) => send(message))
  process.on('message', (message: ToChild) => {
    if (message.kind === 'task') void answer(host, message.task)
    else host.receive(message)
  })
  process.on('uncaughtException', (error) => {
    const dying = { kind: 'dying', error: toWireError(error) } as const
    // Said first, or the pool would have to guess; said in vain where the line is gone.
    if (process.send === undefined) process.exit(1)
    process.send(dying, () => process.exit(1))
  })
  process.once('disconnect', () => process.exit())
  guardAgainstOrphanhood()
}

async function answer(host: AgentHost, task: WorkerTask): Promise<void> {
  const readable = task.kind === 'run' ? { ...task, input: deserialize(task.input as Uint8Array) as unknown } : task
  send({ kind: 'reply', reply: await host.handle(readable) })
}

function send(message: FromChild): void {
  process.send?.(message, (error: Error | null) => {
    // The pool's process is gone, and `disconnect` is on its way.
    if (error !== null) process.emitWarning(toError(error))
  })
}

const ORPHAN_CHECK = `
const { workerData } = require('node:worker_threads')
setInterval(() => { if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL') }, 500)
`

/** An agent in an endless loop never hears that the pool's process is gone: a thread looks, whatever the agent does. */
function guardAgainstOrphanhood(): void {
  const parent = Number(process.argv[2])
  new Worker(ORPHAN_CHECK, { eval: true, workerData: { parent }, execArgv: [] }).unref()
}
