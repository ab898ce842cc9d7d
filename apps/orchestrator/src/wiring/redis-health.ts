import type { RedisClient, RedisConnection } from '@cidadao/cache/redis'
import type { HealthContributor, HealthObservation, HealthPart } from '@cidadao/monitoring'
import { RedisRoundTrip } from './redis-round-trip.ts'

/** Only what is reported: asking for everything is work for the server at each look. */
const INFO_SECTIONS = ['clients', 'memory', 'server', 'replication'] as const

/** Each node answers for itself, and all of them are asked at once; the cache works without any, so it never fails the whole. */
export function redisNodes(redis: RedisConnection, timeoutMs: number, keyPrefix: string): HealthContributor {
  const roundTrip = new RedisRoundTrip(keyPrefix)
  return {
    name: 'redis',
    critical: false,
    timeoutMs,
    check: () => look(redis, roundTrip),
  }
}

async function look(redis: RedisConnection, roundTrip: RedisRoundTrip): Promise<HealthObservation> {
  const status = redis.status()
  if (status.state !== 'connected') {
    const detail = 'cause' in status ? status.cause.message : ''
    return { status: 'fail', observedValue: status.state, code: 'REDIS_UNAVAILABLE', detail }
  }
  const client = redis.client()
  const nodes: readonly RedisClient[] = 'nodes' in client ? client.nodes('all') : [client]
  const [cluster, ...parts] = await Promise.all([
    clusterParts(client, nodes.length),
    ...nodes.map((node, index) => nodePart(node, index, roundTrip)),
  ])
  return { status: 'pass', observedValue: status.mode, children: [...cluster, ...parts] }
}

/** Of a cluster: whether it serves all its slots, and whether we reach every node that it knows. */
async function clusterParts(client: RedisClient, reached: number): Promise<readonly HealthPart[]> {
  if (!('nodes' in client)) return []
  const info = fieldsOf(await client.cluster('INFO'))
  const served = Number(info.get('cluster_slots_ok') ?? 0)
  const degraded = info.get('cluster_state') === 'ok' ? {} : { status: 'fail' as const, code: 'REDIS_CLUSTER_DEGRADED' }
  const missing = reached < Number(info.get('cluster_known_nodes') ?? 0)
  const lacking = missing ? { status: 'warn' as const, code: 'REDIS_NODES_MISSING' } : {}
  return [
    { name: 'slots', status: 'pass', observedValue: served, observedUnit: 'slots', ...degraded },
    { name: 'nodes', status: 'pass', critical: false, observedValue: reached, observedUnit: 'nodes', ...lacking },
  ]
}

/** Nodes are numbered: their addresses are not for reports. One that does not answer warns, the others serve its slots or not. */
async function nodePart(node: RedisClient, index: number, roundTrip: RedisRoundTrip): Promise<HealthPart> {
  const name = `node-${index + 1}`
  try {
    const info = fieldsOf(String(await node.call('INFO', ...INFO_SECTIONS)))
    const role = info.get('role') ?? 'unknown'
    const cutOff = role === 'slave' && info.get('master_link_status') !== 'up'
    if (role === 'master') await roundTrip.make(node)
    const state = cutOff ? { status: 'warn' as const, code: 'REDIS_REPLICA_CUT_OFF' } : { status: 'pass' as const }
    return { name, ...state, critical: false, observedValue: role, children: figures(info) }
  } catch (error) {
    return { name, status: 'warn', critical: false, code: 'REDIS_NODE_UNAVAILABLE', detail: String(error) }
  }
}

function figures(info: ReadonlyMap<string, string>): HealthPart[] {
  const figure = (name: string, field: string, observedUnit: string): HealthPart[] => {
    const value = info.get(field)
    return value === undefined ? [] : [{ name, status: 'pass', observedValue: Number(value), observedUnit }]
  }
  return [
    ...figure('connected-clients', 'connected_clients', 'clients'),
    ...figure('used-memory', 'used_memory', 'bytes'),
    ...figure('uptime', 'uptime_in_seconds', 's'),
  ]
}

function fieldsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const separator = line.indexOf(':')
      return separator < 1 ? [] : [[line.slice(0, separator), line.slice(separator + 1)] as const]
    }),
  )
}
