import { Cluster } from 'ioredis'
import { decodeLogged } from '../../consistency/invalidation.ts'
import type { BusListener, BusSubscription, InvalidationBus } from '../../consistency/logical-clock.ts'
import type { RedisConnection } from '../connect-redis.ts'
import type { RedisClient } from '../redis-client.ts'
import { channelOf } from './redis-clock.ts'

const RESP3 = 3

/**
 * Classic pub/sub over the connection that the tier has: one channel an installation. In a cluster it loses fewer
 * messages around a failover than the sharded kind does. The client renews its subscription when it reconnects.
 */
export class RedisBus implements InvalidationBus {
  readonly #connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async listen(installation: string, listener: BusListener): Promise<BusSubscription> {
    const subscription = new RedisSubscription(this.#connection, channelOf(installation), listener)
    await subscription.attach()
    return subscription
  }
}

/** Follows the connection: each client that it comes to have is subscribed to. */
class RedisSubscription implements BusSubscription {
  readonly #connection: RedisConnection
  readonly #channel: string
  readonly #listener: BusListener
  readonly #stopFollowing: () => void
  #client: RedisClient | undefined

  constructor(connection: RedisConnection, channel: string, listener: BusListener) {
    this.#connection = connection
    this.#channel = channel
    this.#listener = listener
    this.#stopFollowing = connection.on('status', () => void this.attach())
  }

  async attach(): Promise<void> {
    if (this.#connection.status().state !== 'connected') return
    const client = this.#connection.client()
    if (client === this.#client) return
    this.#detach()
    this.#client = client
    client.on('message', this.#onMessage)
    client.on('ready', this.#listener.onInterrupted)
    try {
      if (!(await canSubscribe(client))) return
      await client.subscribe(this.#channel)
      this.#listener.onInterrupted()
    } catch {
      // Until the client is ready again the heartbeat alone tells of invalidations: later, but surely.
      client.once('ready', () => this.#attachAgain(client))
    }
  }

  async stop(): Promise<void> {
    this.#stopFollowing()
    const client = this.#client
    this.#detach()
    // A connection that is gone has no subscription left to end.
    await client?.unsubscribe(this.#channel).catch(() => {})
  }

  readonly #onMessage = (channel: string, text: string): void => {
    const message = channel === this.#channel ? decodeLogged(text) : undefined
    if (message !== undefined) this.#listener.onMessage(message)
  }

  #attachAgain(client: RedisClient): void {
    if (this.#client !== client) return
    this.#detach()
    void this.attach()
  }

  #detach(): void {
    this.#client?.off('message', this.#onMessage)
    this.#client?.off('ready', this.#listener.onInterrupted)
    this.#client = undefined
  }
}

/**
 * A cluster's client has a subscriber of its own. A single server's connection goes on taking commands beside a
 * subscription only in the newer protocol, which Redis 5 does not have: there the heartbeat alone tells.
 */
async function canSubscribe(client: RedisClient): Promise<boolean> {
  if (client instanceof Cluster) return true
  const hello = (await client.call('HELLO')) as readonly unknown[]
  return hello[hello.indexOf('proto') + 1] === RESP3
}
