import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Keyv } from 'keyv'
import { keyvOverRedis, type RedisConnection } from '../src/redis/index.ts'
import { clusterConnection, singleConnection } from './redis-connections.ts'

describe.each([
  ['single', singleConnection],
  ['cluster', clusterConnection],
] as const)('@keyv/redis over our connection to Redis %s', (mode, connect) => {
  let connection: RedisConnection
  let keyv: Keyv
  let other: Keyv

  beforeAll(async () => {
    connection = await connect()
    keyv = keyvOverRedis(connection, { namespace: `keyv-${mode}-${process.pid}` })
    other = keyvOverRedis(connection, { namespace: `keyv-${mode}-${process.pid}-other` })
  })
  afterAll(() => connection.stop())

  const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`)

  it('gets what was set, with its time to live', async () => {
    expect(await keyv.set('k', { a: 1 }, 60_000)).toBe(true)
    expect(await keyv.get('k')).toEqual({ a: 1 })
    expect(await keyv.has('k')).toBe(true)
    expect(await keyv.delete('k')).toBe(true)
    expect([await keyv.delete('k'), await keyv.has('k'), await keyv.get('k')]).toEqual([false, false, undefined])
  })

  it('sets, gets, asks for and deletes many across all slots', async () => {
    await keyv.setMany(keys.map((key) => ({ key, value: key, ttl: 60_000 })))
    const asked = [...keys.slice(0, 150), 'absent', ...keys.slice(150)]
    const found = await keyv.get<unknown>(asked)
    expect(found).toEqual(asked.map((key) => (key === 'absent' ? undefined : key)))
    expect(await keyv.hasMany(['absent', ...keys])).toEqual([false, ...keys.map(() => true)])
    expect(await keyv.deleteMany(keys)).toBe(true)
    expect(await keyv.hasMany(keys)).toEqual(keys.map(() => false))
  })

  it('iterates over and clears its own namespace on all nodes, and no other', async () => {
    await Promise.all(keys.map((key) => keyv.set(key, 1)))
    await other.set('k', 'stays')
    const seen = new Set<string>()
    for await (const [key] of keyv.iterator?.({}) ?? []) seen.add(key as string)
    expect(seen).toEqual(new Set(keys))
    await keyv.clear()
    expect((await keyv.hasMany(keys)).includes(true)).toBe(false)
    expect(await other.get('k')).toBe('stays')
  })

  it('throws while there is no connection, instead of answering that there is nothing', async () => {
    const own = await connect()
    const lost = keyvOverRedis(own, { namespace: 'lost' })
    await own.stop()
    await expect(lost.get('k')).rejects.toThrow(/not connected/)
    await expect(lost.set('k', 1)).rejects.toThrow(/not connected/)
  })

  it('does not take a namespace that is a pattern', () => {
    expect(() => keyvOverRedis(connection, { namespace: 'a*' })).toThrow(expect.objectContaining({ code: 'CACHE_OPTION_INVALID' }))
  })
})
