import calculateSlot from 'cluster-key-slot'
import { Cluster, type ChainableCommander } from 'ioredis'
import { primariesOf, type RedisClient } from './redis-client.ts'

export interface NodeBatch<Item> {
  /** Adds the command for one item. */
  readonly queue: (pipeline: ChainableCommander, item: Item) => void
  /** The same command alone, through redirections: for an item whose place in the batch failed. */
  readonly single: (client: RedisClient, item: Item) => Promise<unknown>
}

/**
 * One pipeline for each node, not for each slot. What fails inside one, because its slot has just moved or its node
 * went away, is asked again by itself, so that a batch is as robust as a single command. Results in the items' order.
 */
export async function batchByNode<Item>(
  client: RedisClient,
  items: readonly Item[],
  batch: NodeBatch<Item> & { readonly keyOf: (item: Item) => string },
): Promise<unknown[]> {
  const results = new Array<unknown>(items.length)
  await Promise.all(groupByNode(client, items, batch.keyOf).map((indexes) => runGroup(client, { items, indexes, results }, batch)))
  return results
}

interface Group<Item> {
  readonly items: readonly Item[]
  readonly indexes: readonly number[]
  readonly results: unknown[]
}

async function runGroup<Item>(client: RedisClient, group: Group<Item>, batch: NodeBatch<Item>): Promise<void> {
  const members = group.indexes.map((index) => ({ index, item: group.items[index] as Item }))
  const pipeline = client.pipeline()
  for (const { item } of members) batch.queue(pipeline, item)
  const replies = await pipeline.exec().catch(() => null)
  await Promise.all(
    members.map(async ({ index, item }, position) => {
      const reply = replies?.[position]
      group.results[index] = reply?.[0] === null ? reply[1] : await batch.single(client, item)
    }),
  )
}

function groupByNode<Item>(client: RedisClient, items: readonly Item[], keyOf: (item: Item) => string): number[][] {
  if (!(client instanceof Cluster)) return items.length === 0 ? [] : [Array.from(items.keys())]
  const groups = new Map<string, number[]>()
  for (const [index, item] of items.entries()) {
    // The client only takes a pipeline whose slots have the same primary and replicas.
    const nodes = client.slots[calculateSlot(keyOf(item))]?.join() ?? ''
    const group = groups.get(nodes)
    if (group === undefined) groups.set(nodes, [index])
    else group.push(index)
  }
  return Array.from(groups.values())
}

/** A key beginning with `prefix` for each primary that the client knows of. */
export function oneKeyPerPrimary(client: RedisClient, prefix: string): string[] {
  if (!(client instanceof Cluster)) return [prefix]
  const wanted = primariesOf(client).length
  const keys = new Map<string, string>()
  for (let attempt = 0; keys.size < wanted && attempt < 10_000; attempt++) {
    const key = `${prefix}${attempt}`
    const primary = client.slots[calculateSlot(key)]?.[0]
    if (primary !== undefined && !keys.has(primary)) keys.set(primary, key)
  }
  return Array.from(keys.values())
}
