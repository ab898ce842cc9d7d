import { startPostgres, startRedis, startRedisCluster, migrateSlot, type RedisClusterFixture } from '@cidadao/testing'
// eslint-disable-next-line @nx/enforce-module-boundaries -- the tier takes a pool port; tests hand it the real thing
import pg from 'pg'
import { TABLE } from '../pg-pool.ts'
import { KEYS } from '../simulator/schedule.ts'
import { run, type Campaign } from './campaign.ts'
import type { Client } from './client.ts'
import { nowMs } from './journal.ts'
import type { Verdict } from './replay.ts'
import { POLICY, type Omission } from './world.ts'

export interface ScenarioOptions {
  readonly clients: Client[]
  /** How often it breaks. */
  readonly rounds: number
  readonly pauseMs: number
}

export type Scenario = (options: ScenarioOptions) => Promise<Verdict>

/** Replicas have what their primary acknowledged within this, even where they get no time to run. */
const LAG_MS = 2_000
const BALLAST = `for i = 1, 400 do redis.call('SET', 'ballast:' .. ARGV[1] .. ':' .. i, ARGV[2]) end`

async function onCluster(
  options: ScenarioOptions,
  fault: (campaign: Campaign, cluster: RedisClusterFixture) => Promise<void>,
): Promise<Verdict> {
  const cluster = await startRedisCluster({ nodeTimeoutMs: 1_000 })
  try {
    return await run(options.clients, { redis: cluster.nodes }, async (campaign) => {
      for (let round = 0; round < options.rounds; round++) {
        await fault(campaign, cluster)
        await campaign.until(({ whole }) => whole)
      }
    })
  } finally {
    await cluster.stop()
  }
}

/** The primary that has the namespace's clock goes, and comes back as a replica of the one that took its place. */
const primaryKilled: Scenario = (options) =>
  onCluster(options, async (campaign, cluster) => {
    const prefix = `${campaign.environment}/v1/${POLICY.name}`
    const clockSlot = await slotOf(cluster, `{${prefix}}#clock`)
    const victim = await ownerOf(cluster, clockSlot)
    const slots = await Promise.all(KEYS.map((key) => slotOf(cluster, `${prefix}/${key}`)))
    const owners = await Promise.all(slots.map((slot) => ownerOf(cluster, slot)))
    const sinceMs = nowMs() - LAG_MS
    await cluster.kill(victim)
    campaign.tell({ kind: 'failover', sinceMs, keys: KEYS.filter((_key, index) => owners[index] === victim), clock: true })
    await campaign.progress(20)
    await cluster.restart(victim)
  })

const allStopped: Scenario = (options) =>
  onCluster(options, async (campaign, cluster) => {
    await Promise.all(cluster.nodes.map((_node, index) => cluster.kill(index)))
    await campaign.progress(20)
    await Promise.all(cluster.nodes.map((_node, index) => cluster.restart(index)))
  })

const slotMigrated: Scenario = (options) =>
  onCluster(options, async (campaign, cluster) => {
    const prefix = `${campaign.environment}/v1/${POLICY.name}`
    for (const key of [`${prefix}/a`, `{${prefix}}#clock`]) {
      const slot = await slotOf(cluster, key)
      const from = await ownerOf(cluster, slot)
      const to = (await Promise.all([0, 1, 2].map(async (node) => ((await isPrimary(cluster, node)) ? node : from)))).find(
        (node) => node !== from,
      )
      await migrateSlot(cluster, { slot, from, to: to ?? from, halfway: () => campaign.progress(20) })
    }
  })

async function onSingle(
  options: ScenarioOptions & { readonly args?: readonly string[] },
  fault: (campaign: Campaign, server: Awaited<ReturnType<typeof startRedis>>) => Promise<void>,
): Promise<Verdict> {
  const server = await startRedis({ args: options.args ?? [] })
  try {
    return await run(options.clients, { redis: [server] }, async (campaign) => {
      for (let round = 0; round < options.rounds; round++) await fault(campaign, server)
    })
  } finally {
    await server.stop()
  }
}

const flushed: Scenario = (options) =>
  onSingle({ ...options, rounds: 3 * options.rounds }, async (campaign, server) => {
    await server.command('FLUSHALL')
    await campaign.progress(20)
  })

function full(policy: 'allkeys-lru' | 'noeviction'): Scenario {
  return (options) =>
    onSingle({ ...options, args: ['--maxmemory', '4mb', '--maxmemory-policy', policy] }, async (campaign, server) => {
      for (let part = 0; part < 20; part++) {
        // Where nothing is evicted the last of them are refused: then it is full.
        const refused = await server.command('EVAL', BALLAST, '0', String(part), 'x'.repeat(1_000)).then(
          () => false,
          () => true,
        )
        if (refused) break
      }
      await campaign.progress(50)
      await server.command('EVAL', `for _, key in ipairs(redis.call('KEYS', 'ballast:*')) do redis.call('DEL', key) end`, '0')
    })
}

const paused: Scenario = (options) =>
  onSingle(options, async (campaign) => {
    const [sleeper] = campaign.clients
    if (sleeper !== undefined) await campaign.pause(sleeper, options.pauseMs)
    await campaign.progress(20)
  })

/** The process that loads a key is killed; of those who wait for it one goes on. */
const holderKilled: Scenario = (options) =>
  onSingle(options, async (campaign) => {
    const [victim, ...others] = campaign.clients
    if (victim === undefined) return
    victim.ask({ do: 'obtain', factoryMs: 60_000 }).catch(() => {})
    await campaign.progress(1, [victim])
    const waiting = others.map((other) => other.ask({ do: 'obtain', factoryMs: 50 }))
    await campaign.replace(victim)
    await Promise.all(waiting)
  })

const postgresKilled: Scenario = async (options) => {
  const server = await startPostgres()
  try {
    const client = new pg.Client({ connectionString: server.url() })
    await client.connect()
    await client.query(TABLE)
    await client.end()
    return await run(options.clients, { postgresUrl: server.url() }, async (campaign) => {
      for (let round = 0; round < options.rounds; round++) {
        await server.kill()
        await campaign.progress(20)
        await server.restart()
        await campaign.until(({ whole }) => whole)
      }
    })
  } finally {
    await server.stop()
  }
}

export const SCENARIOS = {
  'a primary of the cluster killed': primaryKilled,
  'all nodes of the cluster stopped and started': allStopped,
  'slots of the cluster migrated': slotMigrated,
  'Redis flushed': flushed,
  'Redis full, evicting': full('allkeys-lru'),
  'Redis full, refusing': full('noeviction'),
  'a process paused': paused,
  'a process killed while it loads': holderKilled,
  'PostgreSQL killed, its table emptied': postgresKilled,
} as const satisfies Record<string, Scenario>

/** A healthy Redis and a cache that lacks something. */
export async function lacking(clients: Client[], without: Omission): Promise<Verdict> {
  const server = await startRedis()
  try {
    return await run(clients, { redis: [server], without }, (campaign) => campaign.progress(300))
  } finally {
    await server.stop()
  }
}

async function slotOf(cluster: RedisClusterFixture, key: string): Promise<number> {
  const answers = await Promise.any(cluster.nodes.map((_node, index) => cluster.command(index, 'CLUSTER', 'KEYSLOT', key)))
  return Number(answers)
}

async function ownerOf(cluster: RedisClusterFixture, slot: number): Promise<number> {
  const slots = (await cluster.command(0, 'CLUSTER', 'SLOTS')) as [from: number, to: number, primary: [host: string, port: number]][]
  const range = slots.find(([from, to]) => slot >= from && slot <= to)
  return cluster.nodes.findIndex((node) => node.port === range?.[2][1])
}

async function isPrimary(cluster: RedisClusterFixture, node: number): Promise<boolean> {
  const members = await cluster.members()
  return members.find(({ port }) => port === cluster.nodes[node]?.port)?.role === 'primary'
}
