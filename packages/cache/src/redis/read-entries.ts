import { Cluster, type Redis } from 'ioredis'
import type { Generation, TierRead } from '../tiers/tier.ts'
import { settleByNode } from './by-node.ts'
import type { RedisClient } from './redis-client.ts'
import type { EntryReply } from './scripts.ts'
import type { ServerTime } from './server-time.ts'

export type SettledRead = PromiseSettledResult<TierRead>

const NOTHING: TierRead = { entry: undefined, generation: undefined }

/**
 * Reads entries in one round trip, by plain commands: a script costs the server about ten times as much. What is left of
 * an entry's life follows from its end and the server's time, which is asked for along with the first read of a second.
 */
export async function readEntries(client: RedisClient, keys: readonly string[], time: ServerTime): Promise<readonly SettledRead[]> {
  // The nodes of a cluster have clocks of their own, and which of them answers is only known afterwards.
  if (client instanceof Cluster) return readWithLifetimes(client, keys)
  const offsetMs = time.offsetMs(client)
  if (offsetMs !== undefined) return readFields(client, keys, () => time.nowMs(offsetMs))
  client.stream.cork()
  const asked = time.ask(client)
  asked.catch(() => {}) // Seen below, after the reads have settled.
  const reading = readFields(client, keys, async () => time.nowMs(await asked))
  client.stream.uncork()
  return reading
}

type Fields = readonly [payload: Buffer | null, generation: Buffer | null, endsAtMs: Buffer | null]

async function readFields(client: Redis, keys: readonly string[], now: () => number | Promise<number>): Promise<readonly SettledRead[]> {
  const settled = await settleByNode(client, keys, {
    keyOf: (key) => key,
    queue: (pipeline, key) => void pipeline.hmgetBuffer(key, 'v', 'g', 'e'),
    single: (single, key) => single.hmgetBuffer(key, 'v', 'g', 'e'),
  })
  const nowMs = await now()
  return settled.map((result) =>
    result.status === 'rejected' ? result : { status: 'fulfilled', value: fromFields(result.value as Fields, nowMs) },
  )
}

function fromFields([payload, generation, endsAtMs]: Fields, nowMs: number): TierRead {
  if (generation === null) return NOTHING
  return toRead([payload, generation, endsAtMs === null ? 0 : Number(endsAtMs.toString('latin1')) - nowMs])
}

type Lifetimes = readonly [remainingMs: number, fields: readonly [payload: Buffer | null, generation: Buffer | null]]

/** What Redis says of the lifetime of a key that is not there. */
const NO_KEY = -2

/**
 * With two commands a key, the remaining life first. Should the entry be replaced in between, it is that of the one
 * before, and as the reader believes no entry for longer than its own life, it is right for one just written.
 */
async function readWithLifetimes(client: Cluster, keys: readonly string[]): Promise<readonly SettledRead[]> {
  const settled = await settleByNode(client, keys, {
    keyOf: (key) => key,
    commands: 2,
    queue: (pipeline, key) => void pipeline.pttl(key).hmgetBuffer(key, 'v', 'g'),
    single: async (single, key) => [await single.pttl(key), await single.hmgetBuffer(key, 'v', 'g')],
  })
  return settled.map((result) =>
    result.status === 'rejected' ? result : { status: 'fulfilled', value: fromLifetimes(result.value as Lifetimes) },
  )
}

function fromLifetimes([remainingMs, [payload, generation]]: Lifetimes): TierRead {
  if (generation === null) return NOTHING
  return toRead([payload, generation, remainingMs === NO_KEY ? Number.MAX_SAFE_INTEGER : remainingMs])
}

export function toRead(reply: EntryReply): TierRead {
  if (reply === null) return NOTHING
  const [payload, generation, remainingMs] = reply
  const entry = payload === null ? undefined : { payload, remainingMs: Math.max(0, remainingMs) }
  return { entry, generation: generation.toString('latin1') as Generation }
}
