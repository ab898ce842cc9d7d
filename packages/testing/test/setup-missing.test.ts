import { describe, expect, it, vi } from 'vitest'
import { testPostgres, testRedis, testRedisCluster } from '../src/index.ts'

vi.mock('vitest', async (original) => ({ ...(await original<object>()), inject: () => undefined }))

describe('a test without the set-up', () => {
  it.each([
    [testPostgres, 'postgres-setup'],
    [testRedis, 'redis-setup'],
    [testRedisCluster, 'redis-cluster-setup'],
  ])('is told which one to add', (read, setup) => {
    expect(read).toThrow(`add '@cidadao/testing/${setup}' to globalSetup in this package's vitest.config.ts`)
    expect(read).toThrow(expect.objectContaining({ code: 'TESTING_SETUP_MISSING' }) as Error)
  })
})
