import type { Redis } from 'ioredis'
import type { Generation, TierRead } from '../tiers/tier.ts'
import { settleByNode } from './by-node.ts'
import { corkForThisTurn } from './cork.ts'
import type { RedisClient } from './redis-client.ts'
import type { EntryReply } from './scripts.ts'
import type { ServerTime } from './server-time.ts'

type SettledRead = PromiseSettledResult<TierRead>

const NOTHING: TierRead = { entry: undefined, generation: undefined }

/**
 * Reads an entry of a single server by one plain command: a script costs the server about ten times as much. What is
 * left of the entry's life follows from its end and the server's time, which is asked for along with the first read of
 * a second.
 */
export async function readEntry(client: Redis, key: string, time: ServerTime): Promise<TierRead> {
  corkForThisTurn(client)
  const known = time.offsetMs(client)
  const asked = known === undefined ? time.ask(client) : undefined
  asked?.catch(() => {}) // Seen below, after the read.
  const [payload = null, mark = null] = await client.hmgetBuffer(key, 'v', 'g')
  if (mark === null) return NOTHING
  const generation = mark.toString('latin1')
  if (payload === null) return { entry: undefined, generation: generation as Generation }
  const endsAtMs = Number(generation.slice(generation.indexOf(':') + 1))
  const nowMs = time.nowMs(known ?? (await asked) ?? Number.NaN)
  return { entry: { payload, remainingMs: Math.max(0, endsAtMs - nowMs) || 0 }, generation: generation as Generation }
}

type Lifetimes = readonly [
  remainingMs: number,
  fields: readonly [payload: Buffer | null, generation: Buffer | null, beyondMs: Buffer | null],
]

/** What Redis says of the lifetime of a key that is not there. */
const NO_KEY = -2

/**
 * Reads entries of a cluster, whose nodes have clocks of their own, in one pipeline to each node. There are two commands
 * a key, the remaining life first. Should the entry be replaced in between, it is that of the one
 * before, and as the reader believes no entry for longer than its own life, it is right for one just written.
 */
export async function readEntries(client: RedisClient, keys: readonly string[]): Promise<readonly SettledRead[]> {
  const settled = await settleByNode(client, keys, {
    keyOf: (key) => key,
    commands: 2,
    queue: (pipeline, key) => void pipeline.pttl(key).hmgetBuffer(key, 'v', 'g', 'p'),
    single: async (single, key) => [await single.pttl(key), await single.hmgetBuffer(key, 'v', 'g', 'p')],
  })
  return settled.map((result) =>
    result.status === 'rejected' ? result : { status: 'fulfilled', value: fromLifetimes(result.value as Lifetimes) },
  )
}

function fromLifetimes([remainingMs, [payload, generation, beyondMs]]: Lifetimes): TierRead {
  if (generation === null) return NOTHING
  const lifeMs = remainingMs === NO_KEY ? Number.MAX_SAFE_INTEGER : remainingMs
  return toRead([payload, generation, beyondMs === null ? lifeMs : lifeMs - Number(beyondMs)])
}

export function toRead(reply: EntryReply): TierRead {
  if (reply === null) return NOTHING
  const [payload, generation, remainingMs] = reply
  const entry = payload === null ? undefined : { payload, remainingMs: Math.max(0, remainingMs) }
  return { entry, generation: generation.toString('latin1') as Generation }
}
