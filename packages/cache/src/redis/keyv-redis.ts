import KeyvRedis, { type RedisClientConnectionType } from '@keyv/redis'
import { Keyv, type DeserializedData } from 'keyv'
import { checkedName } from '../key.ts'
import type { RedisConnection } from './connect-redis.ts'
import { KeyvRedisFace } from './keyv-face.ts'

export interface KeyvRedisOptions {
  /** Prefix of all its keys, as `namespace::key`; needed, since clearing without one would empty the server. */
  readonly namespace: string
}

/** `@keyv/redis` on a connection of ours: the storage adapter, for whoever builds their own Keyv. */
export function keyvRedisStore(connection: RedisConnection, options: KeyvRedisOptions): KeyvRedis<unknown> {
  const face: unknown = new KeyvRedisFace(connection)
  const store = new KeyvRedis(face as RedisClientConnectionType, {
    namespace: checkedName('namespace', options.namespace),
    throwOnErrors: true,
    throwOnConnectError: true,
  })
  store.on('error', () => {}) // Thrown as well: the caller gets it.
  return store
}

/** A Keyv on a connection of ours that reports failures instead of turning them into absence. */
export function keyvOverRedis(connection: RedisConnection, options: KeyvRedisOptions): Keyv {
  const keyv = new Keyv(keyvRedisStore(connection, options), {
    namespace: options.namespace,
    // The adapter already prefixes; twice would double the keys' length.
    useKeyPrefix: false,
    throwOnErrors: true,
    // Plain JSON: Keyv's own serialiser is the largest cost of a hit.
    serialize: JSON.stringify,
    deserialize,
  })
  keyv.on('error', () => {})
  return keyv
}

function deserialize<Value>(text: string): DeserializedData<Value> {
  return JSON.parse(text) as DeserializedData<Value>
}
