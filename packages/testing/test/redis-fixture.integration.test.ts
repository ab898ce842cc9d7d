import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTestCertificate, startRedis, type RedisFixture, type StartRedisOptions } from '../src/index.ts'

const inContainers = process.env.TEST_SERVICES === 'docker'

async function started(options: StartRedisOptions = {}): Promise<RedisFixture> {
  const fixture = await startRedis(options)
  onTestFinished(() => fixture.stop())
  return fixture
}

function clientOf(url: string, ca?: string): Redis {
  const tls = ca === undefined ? {} : { tls: { ca } }
  const client = new Redis(url, { ...tls, lazyConnect: true, commandTimeout: 300, maxRetriesPerRequest: 0, retryStrategy: () => null })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client
}

describe('a Redis to be broken', () => {
  it('stops, twice if need be', async () => {
    const redis = await startRedis()
    await redis.stop()
    await redis.stop()
    await expect(clientOf(redis.url).connect()).rejects.toThrow()
  })

  it.skipIf(inContainers)('stops with its folder [skipped with TEST_SERVICES=docker, where the folder is in the container]', async () => {
    const redis = await startRedis()
    const [, folder = ''] = (await redis.command('CONFIG', 'GET', 'dir')) as string[]
    expect(existsSync(folder)).toBe(true)
    await redis.stop()
    expect(existsSync(folder)).toBe(false)
  })

  it('asks for the password it was given, which its address has', async () => {
    const redis = await started({ password: 'p@ss/word' })
    const stranger = clientOf(`redis://${redis.host}:${String(redis.port)}`)
    await expect(stranger.get('x')).rejects.toThrow('NOAUTH')
    expect(await clientOf(redis.url).ping()).toBe('PONG')
    expect(redis.password).toBe('p@ss/word')
  })

  it('refuses writes beyond its memory limit', async () => {
    const redis = await started({ maxmemory: '3mb', args: ['--maxmemory-policy', 'noeviction'] })
    const client = clientOf(redis.url)
    await expect(client.set('big', 'x'.repeat(4_000_000)).then(() => client.set('next', '1'))).rejects.toThrow('OOM')
  })

  it('speaks TLS, to clients that trust its certificate only', async () => {
    const redis = await started({ tls: 'on' })
    expect(redis.url).toMatch(/^rediss:/)
    expect(await clientOf(redis.url, redis.tls?.certificate).ping()).toBe('PONG')
    await expect(clientOf(redis.url, createTestCertificate().certificate).connect()).rejects.toThrow()
    await expect(clientOf(redis.url.replace('rediss:', 'redis:')).ping()).rejects.toThrow()
  })

  it('is killed, and back at the same address without what was in memory', async () => {
    const redis = await started()
    await redis.command('SET', 'word', 'ação')
    const before = String(await redis.command('INFO', 'server'))
    await redis.kill()
    await expect(redis.command('PING')).rejects.toThrow()
    await redis.restart()
    expect(await redis.command('GET', 'word')).toBeNull()
    expect(/run_id:\w+/.exec(String(await redis.command('INFO', 'server')))?.[0]).not.toBe(/run_id:\w+/.exec(before)?.[0])
  })

  it('has what it wrote down after a kill', async () => {
    const redis = await started({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await redis.command('SET', 'word', 'ação')
    await redis.kill()
    await redis.restart()
    expect(await redis.command('GET', 'word')).toBe('ação')
  })

  it('answers nobody while it is paused, and everybody after', async () => {
    const redis = await started()
    const client = clientOf(redis.url)
    await client.connect()
    await redis.pause()
    await expect(client.ping()).rejects.toThrow('timed out')
    await redis.resume()
    expect(await client.ping()).toBe('PONG')
  })

  it('says what is wrong with its arguments, in the words of the server', async () => {
    await expect(startRedis({ args: ['--maxmemory-policy', 'fifo'] })).rejects.toMatchObject({
      code: 'TESTING_REDIS_START_FAILED',
      message: expect.stringMatching(/ended while starting: .*maxmemory-policy/) as string,
    })
  })

  it('comes several at once, each with a port of its own', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => started()))
    expect(new Set(servers.map((server) => server.port)).size).toBe(5)
  })
})
