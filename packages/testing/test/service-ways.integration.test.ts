import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../src/index.ts'
import { redisClusterWays, redisWays } from '../src/redis/redis-ways.ts'

describe('a Redis that a variable names', () => {
  it('is not replaced where nothing answers', async () => {
    const ways = redisWays({ TEST_REDIS_URL: 'redis://127.0.0.1:1' })
    await expect(ways.url?.()).rejects.toMatchObject({ code: 'TESTING_SERVICE_UNREACHABLE', facts: { variable: 'TEST_REDIS_URL' } })
    await expect(redisClusterWays({ TEST_REDIS_CLUSTER_NODES: '127.0.0.1:1' }).url?.()).rejects.toMatchObject({
      code: 'TESTING_SERVICE_UNREACHABLE',
      facts: { variable: 'TEST_REDIS_CLUSTER_NODES' },
    })
  })

  it('is refused with a wrong password, and as a cluster when it is none', async () => {
    const redis = await startRedis({ password: 'right' })
    onTestFinished(() => redis.stop())
    const address = `127.0.0.1:${String(redis.port)}`
    await expect(redisWays({ TEST_REDIS_URL: `redis://:wrong@${address}` }).url?.()).rejects.toThrow(/TEST_REDIS_URL .*WRONGPASS/)
    await expect(redisClusterWays({ TEST_REDIS_CLUSTER_NODES: address, TEST_REDIS_CLUSTER_PASSWORD: 'right' }).url?.()).rejects.toThrow(
      /TEST_REDIS_CLUSTER_NODES .*cluster support disabled/,
    )
  })
})
