import { EventEmitter } from 'node:events'
import { batchByNode } from './by-node.ts'
import type { RedisConnection } from './connect-redis.ts'
import { primariesOf, type RedisClient } from './redis-client.ts'

interface Expiry {
  readonly PX?: number
}

interface ScanOptions {
  readonly MATCH?: string
  readonly COUNT?: number
  readonly TYPE?: string
}

type BatchCommand =
  readonly ['set', key: string, value: string, pxMs: number | undefined] | readonly ['unlink' | 'del' | 'exists', key: string]

/**
 * The members of a node-redis client that `@keyv/redis` calls, over a connection of ours: one client, one pool, one
 * way through failovers. It shows itself as a single server, a cluster included: its missing `slots` keeps
 * `@keyv/redis` from routing by itself, and batches are split by node here.
 */
export class KeyvRedisFace {
  /** Always: connecting and reconnecting are the connection's, and a call while it is away throws. */
  readonly isOpen = true
  readonly #connection: RedisConnection
  readonly #events = new EventEmitter()

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  async connect(): Promise<this> {
    this.#connection.client()
    return this
  }

  on(event: string, listener: (...payload: unknown[]) => void): this {
    this.#events.on(event, listener)
    return this
  }

  /** The connection belongs to its owner, who stops it. */
  async close(): Promise<void> {}

  destroy(): void {}

  async get(key: string): Promise<string | null> {
    return this.#connection.client().get(key)
  }

  async set(key: string, value: string, options: Expiry = {}): Promise<string | null> {
    const client = this.#connection.client()
    return options.PX === undefined ? client.set(key, value) : client.set(key, value, 'PX', Math.ceil(options.PX))
  }

  async exists(key: string): Promise<number> {
    return this.#connection.client().exists(key)
  }

  async mGet(keys: readonly string[]): Promise<(string | null)[]> {
    const values = await batchByNode(this.#connection.client(), keys, {
      keyOf: (key) => key,
      queue: (pipeline, key) => void pipeline.get(key),
      single: (client, key) => client.get(key),
    })
    return values as (string | null)[]
  }

  async unlink(keys: string | readonly string[]): Promise<number> {
    return sum(await this.#batch([keys].flat().map((key) => ['unlink', key])))
  }

  async del(keys: string | readonly string[]): Promise<number> {
    return sum(await this.#batch([keys].flat().map((key) => ['del', key])))
  }

  /** Collects commands and runs them by node: a batch, not a transaction, which no cluster has across slots. */
  multi(): KeyvBatch {
    return new KeyvBatch((commands) => this.#batch(commands))
  }

  /** One cursor over all primaries: `cursor of the node@position of the node`. */
  async scan(cursor: string, options: ScanOptions = {}): Promise<{ readonly cursor: string; readonly keys: string[] }> {
    const [within = '0', position = '0'] = cursor.split('@')
    const primaries = sorted(primariesOf(this.#connection.client()))
    const index = Number(position)
    const node = primaries[index]
    if (node === undefined) return { cursor: '0', keys: [] }
    const [next, keys] = (await node.call('SCAN', within, ...scanArguments(options))) as [string, string[]]
    if (next !== '0') return { cursor: `${next}@${index}`, keys }
    return { cursor: index + 1 < primaries.length ? `0@${index + 1}` : '0', keys }
  }

  async flushDb(): Promise<void> {
    await Promise.all(primariesOf(this.#connection.client()).map((node) => node.flushdb()))
  }

  async info(section?: string): Promise<string> {
    const [first] = primariesOf(this.#connection.client())
    return first === undefined ? '' : section === undefined ? first.info() : first.info(section)
  }

  #batch(commands: readonly BatchCommand[]): Promise<unknown[]> {
    return batchByNode(this.#connection.client(), commands, {
      keyOf: ([, key]) => key,
      queue: (pipeline, command) => void issue(pipeline, command),
      single: (client, command) => issue(client, command) as Promise<unknown>,
    })
  }
}

/** What `multi()` gives: commands in a row, results in the same row. */
export class KeyvBatch {
  readonly #commands: BatchCommand[] = []
  readonly #run: (commands: readonly BatchCommand[]) => Promise<unknown[]>

  constructor(run: (commands: readonly BatchCommand[]) => Promise<unknown[]>) {
    this.#run = run
  }

  set(key: string, value: string, options: Expiry = {}): this {
    this.#commands.push(['set', key, value, options.PX])
    return this
  }

  unlink(key: string): this {
    this.#commands.push(['unlink', key])
    return this
  }

  del(key: string): this {
    this.#commands.push(['del', key])
    return this
  }

  exists(key: string): this {
    this.#commands.push(['exists', key])
    return this
  }

  exec(): Promise<unknown[]> {
    return this.#run(this.#commands)
  }
}

type Issuer = Pick<RedisClient, 'set' | 'unlink' | 'del' | 'exists'>

function issue(target: unknown, command: BatchCommand): unknown {
  // A pipeline has the same methods; only what they return differs, and that is the caller's to know.
  const issuer = target as Issuer
  if (command[0] !== 'set') return issuer[command[0]](command[1])
  const [, key, value, pxMs] = command
  return pxMs === undefined ? issuer.set(key, value) : issuer.set(key, value, 'PX', Math.ceil(pxMs))
}

function scanArguments(options: ScanOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => [name, String(value)])
}

/** The client lists its nodes in changing order; a cursor needs a fixed one. */
function sorted(nodes: ReturnType<typeof primariesOf>): ReturnType<typeof primariesOf> {
  const address = (node: (typeof nodes)[number]): string => `${node.options.host ?? ''}:${node.options.port ?? 0}`
  return nodes.toSorted((a, b) => address(a).localeCompare(address(b)))
}

function sum(counts: readonly unknown[]): number {
  return counts.reduce<number>((total, count) => total + Number(count), 0)
}
