import type { Redis } from 'ioredis'
import type { Generation, TierRead } from '../tiers/tier.ts'
import { settleByNode } from './by-node.ts'
import { corkForThisTurn } from './cork.ts'
import type { RedisClient } from './redis-client.ts'
import type { EntryReply, FieldsReply, ScriptedClient } from './scripts.ts'
import type { ServerTime } from './server-time.ts'

type SettledRead = PromiseSettledResult<TierRead>

const NOTHING: TierRead = { entry: undefined, generation: undefined }

/** Keys a script: few enough for the client to work on one answer while the server is at the next. */
const LONGEST_SCRIPT = 32

/**
 * Reads entries of a single server: one by a plain command, several by a script, since each command costs the client
 * more than the rest of a read. What is left of an entry's life follows from its end and the server's time, which is
 * asked for along with the first read of a second.
 */
export async function readTogether(client: Redis & ScriptedClient, keys: readonly string[], time: ServerTime): Promise<SettledRead[]> {
  corkForThisTurn(client)
  const known = time.offsetMs(client)
  const asked = known === undefined ? time.ask(client) : undefined
  asked?.catch(() => {}) // Seen below, after the read.
  const replies = await readFields(client, keys)
  const nowMs = time.nowMs(known ?? (await asked) ?? Number.NaN)
  return replies.map((reply) => (reply instanceof Error ? { status: 'rejected', reason: reply } : fulfilled(toEntry(reply, nowMs))))
}

async function readFields(client: Redis & ScriptedClient, keys: readonly string[]): Promise<readonly (FieldsReply | Error)[]> {
  const [first] = keys
  if (first !== undefined && keys.length === 1) return [await readOne(client, first)]
  if (keys.length <= LONGEST_SCRIPT) return client.cacheReadManyBuffer(keys.length, ...keys)
  const parts = Array.from({ length: Math.ceil(keys.length / LONGEST_SCRIPT) }, (_, part) => {
    const some = keys.slice(part * LONGEST_SCRIPT, (part + 1) * LONGEST_SCRIPT)
    return client.cacheReadManyBuffer(some.length, ...some)
  })
  return (await Promise.all(parts)).flat()
}

/** As {@link readTogether}, of one, and without a batch around it: for probes. */
export async function readEntry(client: Redis & ScriptedClient, key: string, time: ServerTime): Promise<TierRead> {
  const [read] = await readTogether(client, [key], time)
  if (read?.status === 'fulfilled') return read.value
  throw read?.reason
}

async function readOne(client: Redis, key: string): Promise<FieldsReply> {
  const [payload = null, mark = null] = await client.hmgetBuffer(key, 'v', 'g')
  return [payload, mark]
}

function toEntry([payload, mark]: FieldsReply, nowMs: number): TierRead {
  if (mark === null) return NOTHING
  const text = mark.toString('latin1')
  const generation = text as Generation
  if (payload === null) return { entry: undefined, generation }
  const endsAtMs = Number(text.slice(text.indexOf(':') + 1))
  return { entry: { payload, remainingMs: Math.max(0, endsAtMs - nowMs) || 0 }, generation }
}

function fulfilled(value: TierRead): SettledRead {
  return { status: 'fulfilled', value }
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
