import { describe, expect, it } from 'vitest'
import { CERTIFICATE } from './certificate.ts'
import { failureOf, load } from './load.ts'

describe('REDIS_NODES', () => {
  it('means no Redis when unset', () => {
    expect(load().redis.nodes).toEqual([])
  })

  it.each([
    ['localhost:7000,localhost:7001', ['localhost:7000', 'localhost:7001'], false],
    [' a:1 , b:2 ', ['a:1', 'b:2'], false],
    ['[::1]:7000', ['::1:7000'], false],
    ['[0:0:0:0:0:0:0:1]:7000,[fe80::1%eth0]:7000', ['::1:7000', 'fe80::1%eth0:7000'], false],
    ['redis://Cache.example.org:6379', ['cache.example.org:6379'], false],
    ['rediss://a:1,rediss://[2001:db8::2]:65535', ['a:1', '2001:db8::2:65535'], true],
  ])('reads %s', (text, addresses, tls) => {
    const { nodes } = load({ REDIS_NODES: text }).redis
    expect(nodes.map(({ host, port }) => `${host}:${port}`)).toEqual(addresses)
    expect(nodes.every((node) => node.tls === tls)).toBe(true)
  })

  it.each([
    ['localhost', 'entry 1 ("localhost") has no port'],
    ['a:1,b', 'entry 2 ("b") has no port'],
    ['a:', 'has no port'],
    ['[::1]', 'has no port'],
    ['a:1,,b:2', 'entry 2 ("") is empty'],
    ['a:1,', 'entry 2 ("") is empty'],
    [',', 'entry 1 ("") is empty; entry 2 ("") is empty'],
    [':7000', 'has no host'],
    ['[]:7000', 'no valid IPv6 address'],
    ['[1.2.3.4]:7000', 'no valid IPv6 address'],
    ['::1:7000', 'IPv6 address without brackets'],
    ['rediss://2001:db8::1', 'IPv6 address without brackets'],
    ['a b:7000', 'has no valid host'],
    ['999.1.1.1:7000', 'has no valid host'],
    ['a:0', 'has no port from 1 to 65535'],
    ['a:65536', 'has no port from 1 to 65535'],
    ['a:+1', 'has no port from 1 to 65535'],
    ['a:1e3', 'has no port from 1 to 65535'],
    ['redis://a:1/0', 'has no port from 1 to 65535'],
    ['http://a:1', 'a scheme other than'],
    ['a:1,A:1', 'a:1 is listed twice'],
    ['[::1]:1,[0:0:0:0:0:0:0:1]:1', '[::1]:1 is listed twice'],
    ['rediss://a:1,b:2', 'either all entries are rediss:// or none is'],
  ])('refuses %s with a precise reason', (text, reason) => {
    const error = failureOf({ REDIS_NODES: text })
    expect(error.message).toContain(reason)
    expect(error.problems).toHaveLength(1)
    expect(error.problems[0]?.received).toBe(JSON.stringify(text))
  })

  it('refuses credentials in an address without showing them', () => {
    for (const text of ['redis://u:hunter2@a:1', 'b:1,:hunter2@a:1']) {
      const { message } = failureOf({ REDIS_NODES: text })
      expect(message).toContain('credentials, which belong in REDIS_USERNAME and REDIS_PASSWORD')
      expect(message).not.toContain('hunter2')
    }
  })

  it('says all that is wrong with a list at once', () => {
    const { message } = failureOf({ REDIS_NODES: 'a,b:0,c:1,c:1' })
    expect(message).toContain('entry 1 ("a") has no port; entry 2 ("b:0") has no port from 1 to 65535; c:1 is listed twice')
  })
})

describe('TLS to Redis', () => {
  it('takes a certificate authority with rediss:// only', () => {
    expect(load({ REDIS_NODES: 'rediss://a:1', REDIS_TLS_CA: CERTIFICATE }).redis.tlsCa).toBe(CERTIFICATE)
    expect(failureOf({ REDIS_NODES: 'a:1', REDIS_TLS_CA: CERTIFICATE }).message).toContain('REDIS_TLS_CA must come with rediss://')
  })
})
