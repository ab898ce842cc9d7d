import { SET_BACK_ALLOWANCE_MICROS } from '../../consistency/clock-state.ts'

/*
 * A namespace's clock, in keys that share one slot:
 *   {prefix}#clock   hash: `s` the sequence, `f` the floor
 *   {prefix}#log     stream of recorded invalidations, each under its sequence
 *   {prefix}#tags:n  hash, one of several buckets: tag → mark; the empty tag is the bucket's floor
 * Any of them may be evicted or flushed at any time. A clock that is gone, or that is behind what a caller has seen of
 * it (a replica that lagged has taken over), begins anew above both, with the floor there. A bucket is made together
 * with its clock; one that is missing later was lost, and begins anew with its floor at the present sequence. The
 * server's time only keeps a new beginning above the old one. Numbers are below 2^53 and written in full: Lua would
 * shorten them. All three kinds of keys are given to every script: clock, log, then all buckets.
 */

/** Leaves `sequence` and `floor`, as they must be kept for what the caller is told to remain true. ARGV: since, most log entries. */
const SOUND_CLOCK = `
local function full(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local since = tonumber(ARGV[1])
local clock = redis.call('HMGET', KEYS[1], 's', 'f')
local sequence, floor = tonumber(clock[1]), tonumber(clock[2])
if not sequence or not floor or sequence < since then
  sequence = math.max(math.max(sequence or 0, since) + 1, now + ${SET_BACK_ALLOWANCE_MICROS})
  floor = sequence
  redis.call('HSET', KEYS[1], 's', full(sequence), 'f', full(floor))
  redis.call('DEL', KEYS[2])
  for i = 3, #KEYS do
    redis.call('DEL', KEYS[i])
    redis.call('HSET', KEYS[i], '', full(sequence))
  end
end
local function sound_bucket(number)
  local key = KEYS[3 + number]
  if redis.call('EXISTS', key) == 0 then redis.call('HSET', key, '', full(sequence)) end
  return key
end
local function reading(marks)
  local missed = {}
  if since > 0 and since ~= sequence then
    missed = redis.call('XRANGE', KEYS[2], full(since), '+', 'COUNT', ARGV[2])
  end
  return {full(sequence), full(floor), missed, redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1), marks}
end`

/** ARGV: since, most log entries, then a bucket's number and a tag for each. [sequence, floor, log, oldest of the log, marks]. */
const READ = `${SOUND_CLOCK}
local marks = {}
for i = 3, #ARGV, 2 do
  local key = sound_bucket(tonumber(ARGV[i]))
  marks[#marks + 1] = redis.call('HGET', key, ARGV[i + 1]) or redis.call('HGET', key, '') or full(sequence)
end
return reading(marks)`

/**
 * ARGV: since, most log entries, namespace, body, channel, 1 for everything or 0, longest log, most tags a bucket, then
 * a bucket's number and a tag for each. As READ, without marks.
 */
const ADVANCE = `${SOUND_CLOCK}
local buckets = {}
for i = 9, #ARGV, 2 do buckets[i] = sound_bucket(tonumber(ARGV[i])) end
local previous = sequence
sequence = math.max(previous + 1, now)
redis.call('HSET', KEYS[1], 's', full(sequence))
if ARGV[6] == '1' then
  floor = sequence
  redis.call('HSET', KEYS[1], 'f', full(floor))
end
for i = 9, #ARGV, 2 do
  redis.call('HSET', buckets[i], ARGV[i + 1], full(sequence))
  if redis.call('HLEN', buckets[i]) > tonumber(ARGV[8]) then
    redis.call('DEL', buckets[i])
    redis.call('HSET', buckets[i], '', full(sequence))
  end
end
local message = ARGV[3] .. ' ' .. full(sequence) .. ' ' .. full(previous) .. ' ' .. ARGV[4]
local id = full(sequence) .. '-0'
local logged = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], id, 'm', message)
if type(logged) == 'table' and logged.err then
  redis.call('DEL', KEYS[2])
  redis.call('XADD', KEYS[2], id, 'm', message)
end
redis.call('PUBLISH', ARGV[5], message)
return reading({})`

/** KEYS: entry. ARGV: sequence. 1 when it was stored with a lower one and is removed. Open fill windows stay. */
const SWEEP = `
local stored = redis.call('HGET', KEYS[1], 's')
if not stored or tonumber(stored) >= tonumber(ARGV[1]) then return 0 end
return redis.call('UNLINK', KEYS[1])`

export const CLOCK_SCRIPTS: Record<string, { readonly lua: string; readonly numberOfKeys?: number }> = {
  /** The first argument of these two is the number of keys. */
  cacheClockRead: { lua: READ },
  cacheClockAdvance: { lua: ADVANCE },
  cacheSweep: { lua: SWEEP, numberOfKeys: 1 },
}

type LogReply = readonly (readonly [id: string, fields: readonly string[]])[]
export type ClockReply = readonly [sequence: string, floor: string, log: LogReply, oldest: LogReply, marks: readonly string[]]

export interface ClockScriptedClient {
  cacheClockRead(numberOfKeys: number, ...rest: readonly (string | number)[]): Promise<ClockReply>
  cacheClockAdvance(numberOfKeys: number, ...rest: readonly (string | number)[]): Promise<ClockReply>
  cacheSweep(key: string, beforeSequence: number): Promise<number>
}
