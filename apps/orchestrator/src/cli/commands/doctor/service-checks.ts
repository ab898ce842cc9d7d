import { connectRedis, type RedisClient, type RedisConnection } from '@cidadao/cache/redis'
import type { Config } from '@cidadao/config'
import { toError } from '@cidadao/contracts'
import { auditAnchorsOf } from '../../../audit/audit-anchors.ts'
import { loadAuditKeys } from '../../../audit/audit-keys.ts'
import { askAnchors, newestOf } from '../../../audit/newest-anchored.ts'
import type { Language } from '../../../plan/question.ts'
import { toRedisOptions } from '../../../wiring/config-to-options.ts'
import { bad, good, warning, type Diagnosis } from './diagnosis.ts'

export async function checkAudit(config: Config, language: Language): Promise<Diagnosis> {
  const pt = language === 'pt'
  const { signer, vkeys } = await loadAuditKeys(config)
  if (signer === undefined) {
    return pt
      ? warning('sem checkpoints: CIDADAO_AUDIT_KEY não está definida', '"cidadao audit key --new" cria uma chave')
      : warning('no checkpoints: CIDADAO_AUDIT_KEY is not set', '"cidadao audit key --new" makes one')
  }
  const answers = await askAnchors(auditAnchorsOf(config), vkeys, new AbortController().signal)
  const told = answers.map((answer) => `${answer.anchor} ${answer.outcome === 'holds' ? answer.size : answer.outcome}`).join(', ')
  const detail = pt ? `chave ${signer.keyId}, entradas ancoradas: ${told}` : `key ${signer.keyId}, entries anchored: ${told}`
  const failed = answers.flatMap((answer) => (answer.outcome === 'failed' ? [`${answer.anchor}: ${answer.reason}`] : []))
  if (failed.length > 0) {
    const mend = pt
      ? 'conserte a âncora ou a chave e execute "cidadao audit checkpoint"'
      : 'mend the anchor or the key, then run "cidadao audit checkpoint"'
    return bad(`${detail} (${failed.join('; ')})`, mend)
  }
  if (newestOf(answers) !== undefined) return good(detail)
  return warning(
    detail,
    pt ? '"cidadao audit checkpoint" faz o primeiro checkpoint' : '"cidadao audit checkpoint" makes the first checkpoint',
  )
}

export async function checkRedis({ redis }: Config, language: Language): Promise<Diagnosis> {
  const pt = language === 'pt'
  if (redis.nodes.length === 0) {
    return good(
      pt ? 'nenhum configurado: o cache funciona em memória e PostgreSQL' : 'none configured: the cache works in memory and PostgreSQL',
    )
  }
  const connection = connectRedis(toRedisOptions(redis))
  try {
    await connection.start()
    const status = connection.status()
    if (status.state === 'connected') return await checkTopology(connection, language)
    const reason = 'cause' in status ? toError(status.cause).message : status.state
    return bad(
      reason,
      pt
        ? 'inicie os nós de REDIS_NODES, ou corrija-o; o cache funciona sem eles enquanto isso'
        : 'start the nodes of REDIS_NODES, or correct it; the cache works without meanwhile',
    )
  } finally {
    await connection.stop()
  }
}

const ALL_SLOTS = 16_384

async function checkTopology(connection: RedisConnection, language: Language): Promise<Diagnosis> {
  const pt = language === 'pt'
  const client = connection.client()
  if (!('nodes' in client)) return checkPolicy([client], pt ? 'um nó' : 'single node', pt)
  const info = await client.cluster('INFO')
  const slots = Number(/cluster_slots_ok:(\d+)/.exec(info)?.[1] ?? 0)
  const [primaries, all] = [client.nodes('master'), client.nodes('all')]
  const detail = `cluster, ${primaries.length} + ${all.length - primaries.length}, ${slots} / ${ALL_SLOTS} slots`
  if (slots < ALL_SLOTS) {
    return pt
      ? bad(detail, 'distribua os slots: "redis-cli --cluster fix HOST:PORTA"')
      : bad(detail, 'hand out the slots: "redis-cli --cluster fix HOST:PORT"')
  }
  if (all.length === primaries.length) {
    return pt
      ? warning(`${detail}: sem réplicas`, 'acrescente uma réplica por primário, senão a perda de um nó leva suas chaves')
      : warning(`${detail}: no replicas`, 'add a replica for each primary, or losing a node loses its keys')
  }
  return checkPolicy(primaries, detail, pt)
}

/** A cache without a bound fills the machine; one that refuses writes when it is full is none any more. */
async function checkPolicy(nodes: readonly RedisClient[], detail: string, pt: boolean): Promise<Diagnosis> {
  const infos = await Promise.all(nodes.map(async (node) => String(await node.call('INFO', 'memory'))))
  const unbounded = infos.some((info) => /maxmemory:0\r?\n/.test(info))
  const refusing = infos.some((info) => info.includes('maxmemory_policy:noeviction'))
  if (!unbounded && !refusing) return good(detail)
  const mend = pt ? 'defina maxmemory e maxmemory-policy allkeys-lfu' : 'set maxmemory and maxmemory-policy allkeys-lfu'
  return warning(`${detail}; ${unbounded ? (pt ? 'memória sem limite' : 'memory without a bound') : 'noeviction'}`, mend)
}
