import { createServer, connect as dial, type AddressInfo } from 'node:net'
import { startRedis, testRedis, testRedisCluster } from '@cidadao/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { connectRedis, redisTier, type RedisConnection, type RedisNode, type RedisOptions } from '../src/redis/index.ts'
import { freshKey } from './tier-conformance.ts'

const CLOSED_PORT: RedisNode = { host: '127.0.0.1', port: 1 }

function connection(options: RedisOptions): RedisConnection {
  const made = connectRedis(options)
  onTestFinished(() => made.stop())
  return made
}

function singleNode(): RedisNode {
  const { hostname, port } = new URL(testRedis().url)
  return { host: hostname, port: Number(port) }
}

/** An address whose server can be exchanged, as when an operator moves one. */
async function switchboard(target: RedisNode): Promise<{ readonly node: RedisNode; to(next: RedisNode): void }> {
  let current = target
  const sockets = new Set<{ destroy(): unknown }>()
  const server = createServer((incoming) => {
    const outgoing = dial(current.port, current.host)
    for (const [from, into] of [[incoming, outgoing] as const, [outgoing, incoming] as const]) {
      sockets.add(from)
      from.on('error', () => into.destroy())
      from.on('close', () => into.destroy())
      from.pipe(into)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    node: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    to: (next) => {
      current = next
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe('connectRedis', () => {
  it('connects to a server that says it stands alone as a single one', async () => {
    const redis = connection({ nodes: [CLOSED_PORT, singleNode()] })
    await redis.start()
    expect(redis.status()).toMatchObject({ state: 'connected', mode: 'single' })
    await expect(redisTier(redis).probe()).resolves.toBeUndefined()
  })

  it('connects to a cluster through any one living node of it, and never to that node alone', async () => {
    const { nodes, password } = testRedisCluster()
    const redis = connection({ nodes: [CLOSED_PORT, ...nodes.slice(0, 1)], password: password ?? undefined })
    await redis.start()
    expect(redis.status()).toMatchObject({ state: 'connected', mode: 'cluster' })
    const tier = redisTier(redis)
    const keys = Array.from({ length: 200 }, () => freshKey())
    await Promise.all(keys.map((key) => tier.write(key, { payload: Buffer.from('x'), ttlMs: 60_000 })))
    const found = await Promise.all(keys.map((key) => tier.read(key)))
    expect(found.filter((read) => read.entry === undefined)).toEqual([])
  })

  it('takes a mixed list for a cluster', async () => {
    const { nodes, password } = testRedisCluster()
    const redis = connection({ nodes: [singleNode(), ...nodes.slice(0, 1)], password: password ?? undefined })
    await redis.start()
    expect(redis.status()).toMatchObject({ state: 'connected', mode: 'cluster' })
  })

  it('rejects a wrong password as an error that does not repeat it, and falls back to nothing', async () => {
    const server = await startRedis({ password: 'right' })
    onTestFinished(() => server.stop())
    for (const password of ['wrong-secret', undefined]) {
      const redis = connection({ nodes: [server], password })
      const failure: unknown = await redis.start().catch((thrown: unknown) => thrown)
      expect(failure).toMatchObject({ code: 'CACHE_REDIS_AUTH' })
      expect(String(failure)).not.toContain('wrong-secret')
      expect(redis.status()).toEqual({ state: 'idle' })
      expect(() => redis.client()).toThrow(expect.objectContaining({ code: 'CACHE_TIER_UNAVAILABLE' }))
    }
    const redis = connection({ nodes: [server], password: 'right' })
    await redis.start()
    expect(redis.status()).toMatchObject({ state: 'connected', mode: 'single' })
  })

  it('rejects a password that the server does not ask for', async () => {
    await expect(connection({ nodes: [singleNode()], password: 'needless' }).start()).rejects.toMatchObject({ code: 'CACHE_REDIS_AUTH' })
  })

  it('speaks TLS to a server whose certificate it trusts, and to no other', async () => {
    const server = await startRedis({ tls: 'on', password: 'p' })
    onTestFinished(() => server.stop())
    const trusting = connection({ nodes: [server], password: 'p', tls: { ca: server.tls?.certificate ?? '' } })
    await trusting.start()
    expect(trusting.status()).toMatchObject({ state: 'connected', mode: 'single' })
    const wary = connection({ nodes: [server], password: 'p', tls: true })
    await wary.start()
    expect(wary.status()).toMatchObject({ state: 'down' })
  })

  it('starts without any Redis, says so, uses nothing instead, and finds it when it comes', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    await server.kill()
    const redis = connection({ nodes: [server], retryMs: 50 })
    await redis.start()
    expect(redis.status()).toMatchObject({ state: 'down' })
    expect(() => redis.client()).toThrow(expect.objectContaining({ code: 'CACHE_TIER_UNAVAILABLE' }))
    await server.restart()
    await vi.waitFor(() => expect(redis.status()).toMatchObject({ state: 'connected', mode: 'single' }), 5_000)
    await expect(redisTier(redis).probe()).resolves.toBeUndefined()
  })

  it('notices by a re-probe that the single server has become a cluster, and the reverse', async () => {
    const { nodes } = testRedisCluster()
    const address = await switchboard(singleNode())
    const redis = connection({ nodes: [address.node], reprobeMs: 100, retryMs: 50 })
    const modes: string[] = []
    redis.on('status', (status) => modes.push(status.state === 'connected' ? status.mode : status.state))
    await redis.start()
    address.to(nodes[0] ?? CLOSED_PORT)
    await vi.waitFor(() => expect(redis.status()).toMatchObject({ mode: 'cluster' }), 10_000)
    await expect(redisTier(redis).probe()).resolves.toBeUndefined()
    address.to(singleNode())
    await vi.waitFor(() => expect(redis.status()).toMatchObject({ mode: 'single' }), 10_000)
    await expect(redisTier(redis).probe()).resolves.toBeUndefined()
    expect(modes).toEqual(['single', 'cluster', 'single'])
  })

  it('starts and stops twice without harm', async () => {
    const redis = connection({ nodes: [singleNode()] })
    await redis.stop()
    await Promise.all([redis.start(), redis.start()])
    await redis.stop()
    await redis.stop()
    expect(redis.status()).toEqual({ state: 'idle' })
    await redis.start()
    expect(redis.status()).toMatchObject({ state: 'connected' })
  })

  it.each([
    [{ nodes: [] }, /nodes must be a list with at least one address/],
    [{ nodes: [{ host: '', port: 6379 }] }, /nodes must be a host and a port/],
    [{ nodes: [{ host: 'h', port: 70_000 }] }, /got h:70000/],
    [{ nodes: [CLOSED_PORT], username: 'app' }, /username must be given together with a password/],
    [{ nodes: [CLOSED_PORT], connectTimeoutMs: Number.NaN }, /connectTimeoutMs must be a finite number/],
  ])('refuses options that cannot work: %j', (options, message) => {
    expect(() => connectRedis(options)).toThrow(message)
  })
})
