import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, startRedisCluster, testRedisCluster, type RedisClusterFixture } from '../src/index.ts'

describe('a Redis Cluster to be broken', () => {
  let cluster: RedisClusterFixture

  beforeAll(async () => {
    cluster = await startRedisCluster({ password: 'secret', nodeTimeoutMs: 500 })
  })
  afterAll(() => cluster.stop())

  it('has 3 primaries with a replica each, all up, and every slot served', async () => {
    const members = await cluster.members()
    expect(members.map(({ role, health }) => `${role} ${health}`).toSorted()).toEqual([
      ...new Array<string>(3).fill('primary up'),
      ...new Array<string>(3).fill('replica up'),
    ])
    expect(members.reduce((sum, member) => sum + member.slots, 0)).toBe(16_384)
    for (const [index] of cluster.nodes.entries()) {
      expect(String(await cluster.command(index, 'CLUSTER', 'INFO'))).toMatch(/cluster_state:ok[\s\S]*cluster_slots_ok:16384/)
    }
  })

  it('takes keys of all slots by a cluster client with the password, and redirects a plain one', async () => {
    const client = new Cluster(
      cluster.nodes.map(({ host, port }) => ({ host, port })),
      { redisOptions: { password: 'secret' } },
    )
    const keys = Array.from({ length: 50 }, (_, index) => `key:${String(index)}`)
    for (const key of keys) await client.set(key, key)
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys)
    client.disconnect()
    await expect(Promise.all(keys.map((key) => cluster.command(0, 'GET', key)))).rejects.toThrow('MOVED')
  })

  it('promotes the replica of a primary that is killed, and takes the dead back as a replica', async () => {
    const before = await cluster.members()
    const killed = before.find((member) => member.port === cluster.nodes[0]?.port)
    await cluster.command(0, 'WAIT', '1', '1000')
    await cluster.kill(0)
    await eventually(
      async () => {
        const members = await cluster.members()
        const serving = members.filter((member) => member.role === 'primary' && member.health === 'up')
        expect(serving).toHaveLength(3)
        expect(serving.reduce((sum, member) => sum + member.slots, 0)).toBe(16_384)
        expect(serving.some((member) => member.id === killed?.id)).toBe(false)
      },
      { deadlineMs: 15_000 },
    )
    await cluster.restart(0)
    await eventually(
      async () => {
        const returned = (await cluster.members()).find((member) => member.id === killed?.id)
        expect(returned).toMatchObject({ role: 'replica', health: 'up', slots: 0 })
      },
      { deadlineMs: 15_000 },
    )
  })

  it('promotes the replica of a primary that is paused', async () => {
    const index = cluster.nodes.findIndex(({ initialRole }, at) => initialRole === 'primary' && at !== 0)
    const paused = cluster.nodes[index]
    await cluster.pause(index)
    await eventually(
      async () => {
        const other = String(await cluster.command(0, 'CLUSTER', 'NODES'))
        const line = other.split('\n').find((entry) => entry.startsWith(paused?.id ?? 'none')) ?? ''
        expect(line).toContain('fail')
        expect(line).not.toMatch(/\d+-\d+$/)
      },
      { deadlineMs: 15_000 },
    )
    await cluster.resume(index)
    await eventually(async () => expect(String(await cluster.command(index, 'ROLE'))).toMatch(/^slave/), { deadlineMs: 15_000 })
  })

  it('refuses fewer primaries than a cluster can have, and a node that it has not', async () => {
    await expect(startRedisCluster({ primaries: 2 })).rejects.toThrow('primaries: an integer of at least 3 is required, not 2')
    await expect(cluster.kill(6)).rejects.toThrow('node: 0 to 5 is required, not 6')
  })

  it('stands beside the cluster of the run', () => {
    const ports = new Set([...cluster.nodes, ...testRedisCluster().nodes].map((node) => node.port))
    expect(ports.size).toBe(12)
  })
})
