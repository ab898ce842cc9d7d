import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { startRedis, type RedisFixture } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisRateLimitStore, type RedisScripts } from '../src/index.ts'

/** The least of a Redis client: this package owns none, and needs of one only that it runs a script. */
function connectScripts(port: number, password: string | null): { readonly scripts: RedisScripts; readonly socket: Socket } {
  const socket = connect(port, '127.0.0.1')
  const send = (parts: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      socket.once('data', (answer) => resolve(answer.toString()))
      socket.write(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`)
    })
  // One command at a time.
  let last: Promise<unknown> = password === null ? Promise.resolve() : send(['AUTH', password])
  const scripts: RedisScripts = {
    eval: (script, keys, args) => {
      const answer = last.then(() => send(['EVAL', script, String(keys.length), ...keys, ...args]))
      last = answer
      return answer.then((text) => {
        if (!text.startsWith(':')) throw new Error(`Redis answered ${text}`)
        return Number(text.slice(1))
      })
    },
  }
  return { scripts, socket }
}

describe('rate limits in Redis', () => {
  let redis: RedisFixture
  const sockets: Socket[] = []
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    await redis.stop()
  })

  function store(keyPrefix: string) {
    const { scripts, socket } = connectScripts(redis.port, redis.password)
    sockets.push(socket)
    return redisRateLimitStore(scripts, { keyPrefix })
  }

  it('are shared: two processes together get what one would', async () => {
    const prefix = `${randomUUID()}:`
    const [one, other] = [store(prefix), store(prefix)]
    const limit = { perSecond: 0.5, burst: 5 }
    const decisions = await Promise.all(Array.from({ length: 10 }, (_, call) => (call % 2 === 0 ? one : other).take('portal', limit, 1)))
    expect(decisions.filter(({ granted }) => granted)).toHaveLength(5)
    const refused = decisions.find(({ granted }) => !granted)
    expect(refused).toMatchObject({ granted: false })
    expect(refused?.granted === false && refused.retryAfterMs).toBeGreaterThan(500)
    expect(refused?.granted === false && refused.retryAfterMs).toBeLessThanOrEqual(2_000)
  })

  it('fill up again after exactly the time they name', async () => {
    const buckets = store(`${randomUUID()}:`)
    const limit = { perSecond: 0.5, burst: 1 }
    expect(await buckets.take('portal', limit, 1)).toEqual({ granted: true })
    const refused = await buckets.take('portal', limit, 1)
    if (refused.granted) return expect.unreachable('twice within two seconds')
    await new Promise((resolve) => setTimeout(resolve, refused.retryAfterMs + 1))
    expect(await buckets.take('portal', limit, 1)).toEqual({ granted: true })
  })

  it('are apart for each upstream and prefix', async () => {
    const limit = { perSecond: 0.001, burst: 1 }
    const [one, other] = [store(`${randomUUID()}:`), store(`${randomUUID()}:`)]
    expect(await one.take('a', limit, 1)).toEqual({ granted: true })
    expect(await one.take('b', limit, 1)).toEqual({ granted: true })
    expect(await other.take('a', limit, 1)).toEqual({ granted: true })
    expect(await one.take('a', limit, 1)).toMatchObject({ granted: false })
  })
})
