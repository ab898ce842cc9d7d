import { crc32 } from 'node:zlib'
import { missedSince } from '../../consistency/clock-state.ts'
import { encodeBody } from '../../consistency/invalidation.ts'
import type { ClockAdvance, ClockRead, ClockReading, LogicalClock } from '../../consistency/logical-clock.ts'
import { installationOf } from '../../key.ts'
import type { ClockReply, ClockScriptedClient } from './clock-scripts.ts'

const BUCKETS = 8
const MOST_TAGS_A_BUCKET = 8_192
const LONGEST_LOG = 1_000
/** Who is further behind than this starts afresh instead. */
const MOST_MISSED = 500

export type RunOnRedis = <T>(command: (redis: ClockScriptedClient) => Promise<T>) => Promise<T>

/** Each namespace's clock lives in one slot, so that every step is one atomic script, on a single server or a cluster. */
export class RedisClock implements LogicalClock {
  readonly #run: RunOnRedis

  constructor(run: RunOnRedis) {
    this.#run = run
  }

  async advance({ namespace, origin, what, since }: ClockAdvance): Promise<ClockReading> {
    const keys = keysOf(namespace)
    const body = [namespace, encodeBody(origin, what), channelOf(installationOf(namespace)), what.all ? 1 : 0]
    const args = [since, MOST_MISSED, ...body, LONGEST_LOG, MOST_TAGS_A_BUCKET, ...inBuckets(what.tags)]
    return toReading(await this.#run((redis) => redis.cacheClockAdvance(keys.length, ...keys, ...args)), since)
  }

  async read({ namespace, since, tags }: ClockRead): Promise<ClockReading> {
    const keys = keysOf(namespace)
    const args = [since, MOST_MISSED, ...inBuckets(tags)]
    return toReading(await this.#run((redis) => redis.cacheClockRead(keys.length, ...keys, ...args)), since)
  }
}

/** The channel of the bus for all namespaces of an installation: `environment/version`. */
export function channelOf(installation: string): string {
  return `cache-bus:${installation}`
}

function keysOf(namespace: string): readonly string[] {
  const slot = `{${namespace}}#`
  return [`${slot}clock`, `${slot}log`, ...Array.from({ length: BUCKETS }, (_, number) => `${slot}tags:${number}`)]
}

function inBuckets(tags: readonly string[]): (string | number)[] {
  return tags.flatMap((tag) => [crc32(tag) % BUCKETS, tag])
}

function toReading([sequence, floor, log, oldest, marks]: ClockReply, since: number): ClockReading {
  const texts = [...oldest.filter(([id]) => id !== log[0]?.[0]), ...log].map(([, fields]) => fields[1] ?? '')
  return {
    sequence: Number(sequence),
    floor: Number(floor),
    marks: marks.map(Number),
    missed: missedSince(texts, since, Number(sequence)),
  }
}
