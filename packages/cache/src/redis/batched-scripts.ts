import { TickBatch } from '../concurrency/tick-batch.ts'
import { Cluster } from 'ioredis'
import { corkForThisTurn } from './cork.ts'
import { settleByNode, type Repetition } from './by-node.ts'
import type { RedisClient } from './redis-client.ts'
import type { ScriptedClient } from './scripts.ts'

/** Scripts of one key that are worth sending together. */
type BatchedMethod = 'cacheReadToFillBuffer' | 'cacheDrop' | 'cacheDiscard' | 'cacheWrite' | 'cacheFill'
export type BatchedScriptClient = Pick<ScriptedClient, BatchedMethod>

/** When one may be sent again that failed in its batch. */
const REPETITIONS: Readonly<Record<BatchedMethod, Repetition>> = {
  cacheReadToFillBuffer: 'always',
  cacheDrop: 'always',
  cacheDiscard: 'always',
  // Its fate may be unknown; done twice, it could replace what another process wrote in between.
  cacheWrite: 'when not carried out',
  cacheFill: 'when not carried out',
}

interface Call {
  readonly method: BatchedMethod
  readonly key: string
  readonly rest: readonly unknown[]
}

const LONGEST_BATCH = 256

/** The scripts of a client, with those called in one turn of the event loop going out as one write, or one pipeline to each node. */
export function batchedScripts(client: () => RedisClient): BatchedScriptClient {
  const calls = new TickBatch((batch: readonly Call[]) => send(client(), batch), LONGEST_BATCH)
  const method =
    (name: BatchedMethod) =>
    async (key: string, ...rest: readonly unknown[]): Promise<unknown> => {
      const now = client()
      if (now instanceof Cluster) return calls.ask({ method: name, key, rest })
      corkForThisTurn(now)
      return invoke(now, { method: name, key, rest })
    }
  const methods: unknown = Object.fromEntries(Object.keys(REPETITIONS).map((name) => [name, method(name as BatchedMethod)]))
  return methods as BatchedScriptClient
}

async function send(client: RedisClient, calls: readonly Call[]): Promise<readonly PromiseSettledResult<unknown>[]> {
  return settleByNode(client, calls, {
    keyOf: ({ key }) => key,
    queue: (pipeline, call) => void invoke(pipeline, call),
    single: (single, call) => invoke(single, call) as Promise<unknown>,
    repetition: ({ method }) => REPETITIONS[method],
  })
}

function invoke(target: unknown, { method, key, rest }: Call): unknown {
  // Clients and pipelines have the same methods, those of the scripts included; what they return differs.
  const scripts = target as Record<BatchedMethod, (key: string, ...rest: readonly unknown[]) => unknown>
  return scripts[method](key, ...rest)
}
