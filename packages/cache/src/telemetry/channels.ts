import { channel, type Channel } from 'node:diagnostics_channel'
import { TypedEvents } from '@cidadao/contracts'
import type { CacheEvents } from '../events.ts'

const CHANNEL_PREFIX = 'cidadao.cache.'

/**
 * The name of the `node:diagnostics_channel` on which every cache of the process publishes an event, with its payload:
 * `cidadao.cache.lookup`. For tools that have no cache in their hands. Without a subscriber a channel costs nothing.
 */
export function cacheChannel(event: keyof CacheEvents): string {
  return CHANNEL_PREFIX + event
}

/** Events that go to their listeners and to the channel of their name. */
export class ChanneledEvents extends TypedEvents<CacheEvents> {
  readonly #channels = new Map<keyof CacheEvents, Channel>()

  override hasListeners(name: keyof CacheEvents): boolean {
    return super.hasListeners(name) || this.#channel(name).hasSubscribers
  }

  override emit<Name extends keyof CacheEvents>(name: Name, payload: CacheEvents[Name]): void {
    super.emit(name, payload)
    const published = this.#channel(name)
    if (published.hasSubscribers) published.publish(payload)
  }

  #channel(name: keyof CacheEvents): Channel {
    let found = this.#channels.get(name)
    if (found === undefined) {
      found = channel(cacheChannel(name))
      this.#channels.set(name, found)
    }
    return found
  }
}
