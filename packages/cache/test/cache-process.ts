import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RedisNode } from '../src/redis/index.ts'
import type { Answer, Order } from './cache-process-worker.ts'

/** A cache in a process of its own, to be ordered about, stopped for a while, or killed. */
export interface CacheProcess {
  readonly pid: number
  /** Has it done there. The order's answer, or an error with its message. */
  ask(order: Order): Promise<unknown>
  kill(): Promise<void>
  /** SIGSTOP and SIGCONT. */
  pause(): void
  resume(): void
}

const WORKER = fileURLToPath(new URL('cache-process-worker.ts', import.meta.url))

export interface CacheProcessOptions {
  readonly nodes: readonly RedisNode[]
  readonly password: string | null
  /** So that the runs of tests do not meet. */
  readonly environment: string
  readonly leaseMs?: number
}

export async function startCacheProcess(options: CacheProcessOptions): Promise<CacheProcess> {
  const child = fork(WORKER, [JSON.stringify(options)], {
    execArgv: ['--conditions=@cidadao/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await firstMessage(child)
  const waiting = new Map<number, (answer: Answer) => void>()
  child.on('message', (answer: Answer) => waiting.get(answer.id)?.(answer))
  let orders = 0
  return {
    pid: child.pid ?? 0,
    ask: async (order) => {
      const id = ++orders
      const { promise, resolve } = Promise.withResolvers<Answer>()
      waiting.set(id, resolve)
      child.send({ id, order })
      const answer = await promise
      waiting.delete(id)
      if ('error' in answer) throw new Error(answer.error)
      return answer.result
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}

async function firstMessage(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process ended before it was ready')
  })
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
}
