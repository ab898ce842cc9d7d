import { CLOCK_SCRIPTS, type ClockScriptedClient } from './clock/clock-scripts.ts'

/*
 * An entry is one hash: `v` the payload, `g` the generation and, behind a colon, the end of the entry's life, `s` the
 * sequence of the namespace's clock that it was stored with, `o` and `x` the owner of the lease and its end; times are
 * the server's in milliseconds. A lease keeps the hash, and with it the fill window, beyond the entry's end: `p` is by how
 * much. A hash with no payload, or with one whose life is over, is an open fill window.
 * Generations are made by clients and never repeat, so an entry that was lost (expired, evicted, deleted) and made
 * anew has another one: a fill that began before is refused. Each script touches one key, so that it runs anywhere in
 * a cluster, and takes relative lifetimes only.
 */

/** Leaves `store(payload, generation, ms, sequence)`. */
const STORE = `
local function store(payload, generation, ms, sequence)
  local time = redis.call('TIME')
  local ends = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ms)
  redis.call('HSET', KEYS[1], 'v', payload, 'g', generation .. ':' .. string.format('%.0f', ends), 's', sequence)
  redis.call('PEXPIRE', KEYS[1], ms)
end`

/**
 * Leaves `take(token, ms)`: 0 when the lease is granted, else how long somebody else still has it. What is leased stays
 * for as long as the lease: else an entry that ends while it is refreshed would take its lease with it.
 */
const LEASE = `
local function take(token, ms)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local lease = redis.call('HMGET', KEYS[1], 'o', 'x')
  local left = (tonumber(lease[2]) or 0) - now
  if lease[1] and lease[1] ~= token and left > 0 then return left end
  redis.call('HSET', KEYS[1], 'o', token, 'x', string.format('%.0f', now + tonumber(ms)))
  local life = redis.call('PTTL', KEYS[1])
  if life >= 0 and life < tonumber(ms) then
    redis.call('HINCRBY', KEYS[1], 'p', math.ceil(tonumber(ms) - life))
    redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ms)))
  end
  return 0
end`

/**
 * ARGV: generation to open with, window in ms, and of a lease: token and ms. Gives payload, generation,
 * remaining ms, and how `take` answered, if it was asked; with nothing there, opens a window, if there is memory for one.
 */
const READ_TO_FILL = `${LEASE}
local entry = redis.call('HMGET', KEYS[1], 'v', 'g', 'p')
if entry[1] then
  local left = redis.call('PTTL', KEYS[1]) - (tonumber(entry[3]) or 0)
  if left > 0 then return {entry[1], entry[2], left} end
end
local generation = entry[2]
if not generation then
  local opened = redis.pcall('HSET', KEYS[1], 'g', ARGV[1])
  if type(opened) == 'table' and opened.err then return false end
  generation = ARGV[1]
end
if entry[1] then redis.call('HDEL', KEYS[1], 'v', 'p') end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {false, generation, 0, ARGV[3] and take(ARGV[3], ARGV[4])}`

/**
 * KEYS: any number, of a single server. What HMGET gives for each, or its own error; a script costs the server more than
 * the command, but one command and one reply cost the client much less than many.
 */
const READ_MANY = `
local read = {}
for index, key in ipairs(KEYS) do read[index] = redis.pcall('HMGET', key, 'v', 'g') end
return read`

/** ARGV: token, ms. As `take`; of a key that is gone nobody needs a lease, since no fill of it can succeed. */
const ACQUIRE = `${LEASE}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return take(ARGV[1], ARGV[2])`

/** ARGV: token, ms. 1 when it was still held. */
const RENEW = `${LEASE}
if redis.call('HGET', KEYS[1], 'o') ~= ARGV[1] then return 0 end
take(ARGV[1], ARGV[2])
return 1`

/** ARGV: token. What somebody else holds stays. */
const RELEASE = `
if redis.call('HGET', KEYS[1], 'o') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'o', 'x')`

/** ARGV: payload, new generation, ttl in ms, sequence. Removes first: when memory is short, nothing older may survive. */
const WRITE = `${STORE}
redis.call('DEL', KEYS[1])
store(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 1`

/** ARGV: payload, new generation, ttl in ms, sequence, generation seen. Ends the lease. 1 when stored, 0 when superseded. */
const FILL = `${STORE}
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[5] then return 0 end
store(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('HDEL', KEYS[1], 'o', 'x', 'p')
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
  cacheReadMany: { lua: READ_MANY },
  cacheReadToFill: { lua: READ_TO_FILL, numberOfKeys: 1 },
  cacheWrite: { lua: WRITE, numberOfKeys: 1 },
  cacheFill: { lua: FILL, numberOfKeys: 1 },
  cacheDrop: { lua: DROP, numberOfKeys: 1 },
  cacheDiscard: { lua: DISCARD, numberOfKeys: 1 },
  cacheAcquire: { lua: ACQUIRE, numberOfKeys: 1 },
  cacheRenew: { lua: RENEW, numberOfKeys: 1 },
  cacheRelease: { lua: RELEASE, numberOfKeys: 1 },
  ...CLOCK_SCRIPTS,
}

/** [payload, generation and the end of its life]. */
export type FieldsReply = readonly [payload: Buffer | null, mark: Buffer | null]

/** [payload, generation, remaining ms], or nothing. */
export type EntryReply = readonly [payload: Buffer | null, generation: Buffer, remainingMs: number] | null

/** [payload, generation, remaining ms, answer about the lease], or nothing. */
export type LeasedReply = readonly [...entry: NonNullable<EntryReply>, lease: number | null | undefined] | null

type LeaseArguments = readonly [] | readonly [token: string, leaseMs: number]
type WriteArguments = readonly [payload: Buffer, generation: string, ttlMs: number, sequence: number]

/** The methods that the client gains by `SCRIPTS`; the `Buffer` ones keep payloads binary. */
export interface ScriptedClient extends ClockScriptedClient {
  cacheReadManyBuffer(numberOfKeys: number, ...keys: readonly string[]): Promise<readonly (FieldsReply | Error)[]>
  cacheReadToFillBuffer(
    key: string,
    ...rest: readonly [generation: string, windowMs: number, ...lease: LeaseArguments]
  ): Promise<LeasedReply>
  cacheWrite(key: string, ...rest: WriteArguments): Promise<number>
  cacheFill(key: string, ...rest: readonly [...WriteArguments, seen: string]): Promise<number>
  cacheDrop(key: string): Promise<number>
  cacheDiscard(key: string, seen: string): Promise<number>
  cacheAcquire(key: string, token: string, leaseMs: number): Promise<number>
  cacheRenew(key: string, token: string, leaseMs: number): Promise<number>
  cacheRelease(key: string, token: string): Promise<number>
}
