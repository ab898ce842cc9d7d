/*
 * An entry is one hash: `v` the payload, `g` the generation. A hash with a generation alone is an open fill window.
 * Generations are made by clients and never repeat, so an entry that was lost (expired, evicted, deleted) and made
 * anew has another one: a fill that began before is refused. Each script touches one key, so that it runs anywhere in
 * a cluster, and takes relative lifetimes only.
 */

/**
 * For each key [payload, generation, remaining ms], or nothing. Several keys only on a single server: in a cluster a
 * script may touch one slot. A key of another type fails all of them: they are asked again one by one.
 */
const READ = `
local replies = {}
for i = 1, #KEYS do
  local entry = redis.call('HMGET', KEYS[i], 'v', 'g')
  replies[i] = entry[2] and {entry[1], entry[2], redis.call('PTTL', KEYS[i])}
end
return replies`

/** ARGV: generation to open with, window in ms. As READ; with nothing there, opens a window, if there is memory for one. */
const READ_TO_FILL = `
local entry = redis.call('HMGET', KEYS[1], 'v', 'g')
if entry[1] then return {entry[1], entry[2], redis.call('PTTL', KEYS[1])} end
local generation = entry[2]
if not generation then
  local opened = redis.pcall('HSET', KEYS[1], 'g', ARGV[1])
  if type(opened) == 'table' and opened.err then return false end
  generation = ARGV[1]
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {false, generation, 0}`

/** ARGV: payload, new generation, ttl in ms. Removes first: when memory is short, nothing older may survive. */
const WRITE = `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'g', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

/** ARGV: payload, new generation, ttl in ms, generation seen. 1 when stored, 0 when superseded. */
const FILL = `
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'g', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

/** 1 when there was a payload. A key of another type is somebody's mistake and goes too. */
const DROP = `
local had = redis.pcall('HEXISTS', KEYS[1], 'v')
redis.call('UNLINK', KEYS[1])
return type(had) == 'table' and 1 or had`

/** ARGV: generation seen. */
const DISCARD = `
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`

/** For the client's `scripts` option: each becomes a method of that name. */
export const SCRIPTS: Record<string, { readonly lua: string; readonly numberOfKeys?: number }> = {
  /** Its first argument is the number of keys. */
  cacheRead: { lua: READ },
  cacheReadToFill: { lua: READ_TO_FILL, numberOfKeys: 1 },
  cacheWrite: { lua: WRITE, numberOfKeys: 1 },
  cacheFill: { lua: FILL, numberOfKeys: 1 },
  cacheDrop: { lua: DROP, numberOfKeys: 1 },
  cacheDiscard: { lua: DISCARD, numberOfKeys: 1 },
}

export type EntryReply = readonly [payload: Buffer | null, generation: Buffer, remainingMs: number] | null

/** The methods that the client gains by `SCRIPTS`; the `Buffer` ones keep payloads binary. */
export interface ScriptedClient {
  cacheReadBuffer(numberOfKeys: number, ...keys: readonly string[]): Promise<readonly EntryReply[]>
  cacheReadToFillBuffer(key: string, generation: string, windowMs: number): Promise<EntryReply>
  cacheWrite(key: string, payload: Buffer, generation: string, ttlMs: number): Promise<number>
  cacheFill(key: string, ...rest: readonly [payload: Buffer, generation: string, ttlMs: number, seen: string]): Promise<number>
  cacheDrop(key: string): Promise<number>
  cacheDiscard(key: string, seen: string): Promise<number>
}
