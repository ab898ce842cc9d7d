import { describe, expect, it } from 'vitest'
import { parseClusterNodes } from './redis-ways.ts'

describe('TEST_REDIS_CLUSTER_NODES', () => {
  it('is a list of addresses, IPv6 ones in brackets', () => {
    expect(parseClusterNodes('redis-1:7000, 10.0.0.2:7001 ,[::1]:7002')).toEqual([
      { host: 'redis-1', port: 7000 },
      { host: '10.0.0.2', port: 7001 },
      { host: '::1', port: 7002 },
    ])
  })

  it.each(['redis-1', 'a:7000,', ':7000', 'a:0', 'a:70000', '::1:7000', 'redis://a:7000'])('is refused when it is %j', (text) => {
    expect(() => parseClusterNodes(text)).toThrow(expect.objectContaining({ code: 'TESTING_OPTIONS_INVALID' }) as Error)
  })
})
