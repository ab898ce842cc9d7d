import { Cluster } from 'ioredis'
import type { Generation, TierRead } from '../tiers/tier.ts'
import { settleByNode } from './by-node.ts'
import type { RedisClient } from './redis-client.ts'
import type { EntryReply, ScriptedClient } from './scripts.ts'

const NOTHING: TierRead = { entry: undefined, generation: undefined }

/**
 * Reads entries in one round trip to each node: one script for all keys on a single server, a pipeline for each node of
 * a cluster. What fails together is asked again one by one, so that one bad key harms no other.
 */
export async function readEntries(
  client: RedisClient & ScriptedClient,
  keys: readonly string[],
): Promise<readonly PromiseSettledResult<TierRead>[]> {
  const [first] = keys
  if (first !== undefined && keys.length === 1) return [{ status: 'fulfilled', value: await readOne(client, first) }]
  if (client instanceof Cluster) return readEach(client, keys)
  try {
    const replies = await client.cacheReadBuffer(keys.length, ...keys)
    return replies.map((reply) => ({ status: 'fulfilled', value: toRead(reply) }))
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name !== 'ReplyError') throw thrown
    return readEach(client, keys)
  }
}

async function readOne(client: ScriptedClient, key: string): Promise<TierRead> {
  const [reply = null] = await client.cacheReadBuffer(1, key)
  return toRead(reply)
}

export function toRead(reply: EntryReply): TierRead {
  if (reply === null) return NOTHING
  const [payload, generation, remainingMs] = reply
  const entry = payload === null ? undefined : { payload, remainingMs: Math.max(0, remainingMs) }
  return { entry, generation: generation.toString('latin1') as Generation }
}

async function readEach(client: RedisClient & ScriptedClient, keys: readonly string[]): Promise<readonly PromiseSettledResult<TierRead>[]> {
  const settled = await settleByNode(client, keys, {
    keyOf: (key) => key,
    // A pipeline has the client's methods, those of its scripts included; its type cannot say so.
    queue: (pipeline, key) => void (pipeline as unknown as ScriptedClient).cacheReadBuffer(1, key),
    single: (single, key) => (single as RedisClient & ScriptedClient).cacheReadBuffer(1, key),
  })
  return settled.map((result) => {
    if (result.status === 'rejected') return result
    const [reply = null] = result.value as readonly EntryReply[]
    return { status: 'fulfilled', value: toRead(reply) }
  })
}
