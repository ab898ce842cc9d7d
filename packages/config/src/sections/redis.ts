import { milliseconds } from '../rules/number-rules.ts'
import { certificates } from '../rules/pem.ts'
import { redisNodes, type RedisNode } from '../rules/redis-nodes.ts'
import { matching, secretText, trueOrFalse } from '../rules/text-rules.ts'
import type { Secret } from '../secret.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

export interface RedisConfig {
  /** Empty: no Redis, the cache runs on memory and PostgreSQL. */
  readonly nodes: readonly RedisNode[]
  /** User of the access control list; absent: the default user. */
  readonly username?: string
  readonly password?: Secret
  /** Who may sign the servers' certificates, as PEM text; absent: the authorities that Node knows. */
  readonly tlsCa?: string
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
}

export const redisSection: Section<RedisConfig> = defineSection({
  name: 'redis',
  title: 'Redis',
  variables: {
    REDIS_NODES: optionalVariable(redisNodes, {
      field: 'redis.nodes',
      unset: 'no Redis',
      doc: 'Nodes of a cluster, or one server: `host:port,host:port`, IPv6 as `[::1]:7000`, TLS as `rediss://host:port` on every entry.',
    }),
    REDIS_USERNAME: optionalVariable(matching('a name without spaces', /^[^\s\p{Cc}]+$/u), {
      field: 'redis.username',
      unset: 'the default user',
      doc: 'User of the access control list.',
    }),
    REDIS_PASSWORD: optionalVariable(secretText(), {
      field: 'redis.password',
      file: true,
      unset: 'no password',
      doc: 'Password of all nodes.',
    }),
    REDIS_DECODE_RESPONSES: variable(trueOrFalse, {
      field: null,
      default: 'true',
      doc: 'Accepted for the original’s sake, without effect: the client here is binary-safe.',
    }),
    REDIS_TLS_CA: optionalVariable(certificates, {
      field: 'redis.tlsCa',
      file: true,
      unset: 'the authorities that Node knows',
      doc: 'Certificates of the authorities that may sign the nodes’ certificates, as PEM text; with `rediss://` only.',
    }),
    CIDADAO_REDIS_COMMAND_TIMEOUT_MS: variable(milliseconds({ min: 1, max: 60_000 }), {
      field: 'redis.commandTimeoutMs',
      default: '1000',
      doc: 'Longest wait for the answer to one command.',
    }),
    CIDADAO_REDIS_CONNECT_TIMEOUT_MS: variable(milliseconds({ min: 1, max: 60_000 }), {
      field: 'redis.connectTimeoutMs',
      default: '500',
      doc: 'Longest wait for one connection.',
    }),
  },
  contradictions: [
    {
      of: ['REDIS_TLS_CA', 'REDIS_NODES'],
      find: ({ REDIS_TLS_CA: ca, REDIS_NODES: nodes }) =>
        ca !== undefined && nodes?.[0]?.tls !== true ? 'must come with rediss:// entries in REDIS_NODES' : undefined,
    },
  ],
  build: (values) => ({
    nodes: values.REDIS_NODES ?? [],
    ...(values.REDIS_USERNAME === undefined ? {} : { username: values.REDIS_USERNAME }),
    ...(values.REDIS_PASSWORD === undefined ? {} : { password: values.REDIS_PASSWORD }),
    ...(values.REDIS_TLS_CA === undefined ? {} : { tlsCa: values.REDIS_TLS_CA }),
    commandTimeoutMs: values.CIDADAO_REDIS_COMMAND_TIMEOUT_MS,
    connectTimeoutMs: values.CIDADAO_REDIS_CONNECT_TIMEOUT_MS,
  }),
})
