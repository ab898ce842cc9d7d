import type { RedisClient } from '@cidadao/cache/redis'
import { toError } from '@cidadao/contracts'

/** A key that outlives nothing: whoever dies between writing and deleting leaves it for this long. */
const KEPT_MS = 10_000
/** Among so many, one falls into the slots of each node of any cluster that is worth the name. */
const MOST_TAGS = 1_000

/**
 * Whether a primary takes a write and gives it back: a node answers PING while its slots are lost or it only replicates.
 * Which key belongs to a node is found out by asking, once: it refuses those that do not.
 */
export class RedisRoundTrip {
  readonly #prefix: string
  readonly #tags = new WeakMap<RedisClient, number>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** @throws what the node answered */
  async make(node: RedisClient): Promise<void> {
    const value = `${process.pid}-${Math.random()}`
    const key = await this.#write(node, value)
    const read = await node.call('GET', key)
    await node.call('DEL', key)
    if (String(read) !== value) throw new Error('another value was read than was written')
  }

  async #write(node: RedisClient, value: string): Promise<string> {
    for (let tag = this.#tags.get(node) ?? 0; tag < MOST_TAGS; tag++) {
      const key = `${this.#prefix}:health:${process.pid}:{${tag}}`
      try {
        await node.call('SET', key, value, 'PX', String(KEPT_MS))
        this.#tags.set(node, tag)
        return key
      } catch (thrown) {
        if (!toError(thrown).message.startsWith('MOVED')) throw thrown
      }
    }
    // Its slots may have moved since its key was found: the next look begins anew.
    this.#tags.delete(node)
    throw new Error('the node takes none of the keys')
  }
}
