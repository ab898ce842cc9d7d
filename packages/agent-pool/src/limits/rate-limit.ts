import type { Clock } from '@cidadao/contracts'

/** How often an upstream may be called: `burst` at once, and `perSecond` in the long run. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

export type RateDecision = { readonly granted: true } | { readonly granted: false; readonly retryAfterMs: number }

/** Where the buckets are: in this process, or in a place that several share. */
export interface RateLimitStore {
  /** Takes `tokens` from the bucket of that name, all or none. */
  take(bucket: string, limit: RateLimit, tokens: number): Promise<RateDecision>
}

interface Bucket {
  tokens: number
  filledMs: number
}

/** Buckets of this process alone. */
export function memoryRateLimitStore(clock: Clock): RateLimitStore {
  const buckets = new Map<string, Bucket>()
  return {
    async take(name, { perSecond, burst }, tokens) {
      const nowMs = clock.monotonicMs()
      const bucket = buckets.get(name) ?? { tokens: burst, filledMs: nowMs }
      buckets.set(name, bucket)
      bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledMs) / 1_000) * perSecond)
      bucket.filledMs = nowMs
      // What is a rounding away from enough is enough: else a wait of exactly the time asked for could be too short.
      if (bucket.tokens < tokens - 1e-9) return { granted: false, retryAfterMs: Math.ceil(((tokens - bucket.tokens) / perSecond) * 1_000) }
      bucket.tokens -= tokens
      return { granted: true }
    },
  }
}

/** What is needed of Redis: to run a script on one key. Anything that can, will do. */
export interface RedisScripts {
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
}

/**
 * One bucket for one key, by the clock of the Redis node, so that machines whose clocks differ share it fairly. Times
 * are in microseconds. An unused bucket is full when it expires, so nothing is lost with it. Answers the milliseconds
 * to wait, 0 where the tokens were taken.
 */
const TAKE = `
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1]) or burst, tonumber(held[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) / 1000000 * rate)
local wait = 0
if tokens + 0.000000001 < wanted then wait = math.ceil((wanted - tokens) / rate * 1000) else tokens = tokens - wanted end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return wait
`

/** Buckets that every process with the same Redis and prefix shares. */
export function redisRateLimitStore(redis: RedisScripts, options: { readonly keyPrefix: string }): RateLimitStore {
  return {
    async take(bucket, { perSecond, burst }, tokens) {
      const waitMs = Number(await redis.eval(TAKE, [`${options.keyPrefix}${bucket}`], [String(perSecond), String(burst), String(tokens)]))
      if (!Number.isFinite(waitMs)) throw new TypeError('the rate limit script answered something that is no number')
      return waitMs === 0 ? { granted: true } : { granted: false, retryAfterMs: waitMs }
    },
  }
}
