import { toError } from '@cidadao/contracts'
import calculateSlot from 'cluster-key-slot'
import { Cluster, type ChainableCommander } from 'ioredis'
import { corkForThisTurn } from './cork.ts'
import { primariesOf, type RedisClient } from './redis-client.ts'

export interface NodeBatch<Item> {
  readonly keyOf: (item: Item) => string
  /** Commands an item; of several, the item's result is the list of theirs. @default 1 */
  readonly commands?: number
  /** Adds the commands for one item. */
  readonly queue: (pipeline: ChainableCommander, item: Item) => void
  /** The same alone, through redirections: for an item whose place in the batch failed. */
  readonly single: (client: RedisClient, item: Item) => Promise<unknown>
  /** Whether an item that failed in its batch may be asked for again. @default always */
  readonly repetition?: (item: Item) => Repetition
}

/** `when not carried out`: only if the failure proves that nothing was done yet. */
export const REPETITIONS = ['always', 'when not carried out'] as const
export type Repetition = (typeof REPETITIONS)[number]

/**
 * One write to a single server; one pipeline for each node of a cluster, not for each slot. What fails inside one, because its slot has just moved or its node
 * went away, is asked again by itself, so that a batch is as robust as a single command. Results in the items' order.
 */
export async function batchByNode<Item>(client: RedisClient, items: readonly Item[], batch: NodeBatch<Item>): Promise<unknown[]> {
  const settled = await settleByNode(client, items, batch)
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** As {@link batchByNode}, with each item's own outcome. Never rejects. */
export async function settleByNode<Item>(
  client: RedisClient,
  items: readonly Item[],
  batch: NodeBatch<Item>,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  if (!(client instanceof Cluster)) {
    corkForThisTurn(client)
    return Promise.allSettled(items.map((item) => invoke(batch.single, client, item)))
  }
  const results = new Array<PromiseSettledResult<unknown>>(items.length)
  await Promise.all(groupByNode(client, items, batch.keyOf).map((indexes) => runGroup(client, { items, indexes, results }, batch)))
  return results
}

interface Group<Item> {
  readonly items: readonly Item[]
  readonly indexes: readonly number[]
  readonly results: PromiseSettledResult<unknown>[]
}

async function runGroup<Item>(client: RedisClient, group: Group<Item>, batch: NodeBatch<Item>): Promise<void> {
  const [only] = group.indexes
  if (only !== undefined && group.indexes.length === 1) return runAlone(client, { ...group, index: only }, batch)
  const pipeline = client.pipeline()
  for (const index of group.indexes) batch.queue(pipeline, group.items[index] as Item)
  const replies = await execute(pipeline)
  const alone: Promise<void>[] = []
  for (const [position, index] of group.indexes.entries()) {
    const [error, value] = replyTo(replies, position, batch.commands ?? 1)
    if (error === null) group.results[index] = { status: 'fulfilled', value }
    else if (!mayRepeat(error, batch.repetition?.(group.items[index] as Item))) group.results[index] = { status: 'rejected', reason: error }
    else alone.push(runAlone(client, { ...group, index }, batch))
  }
  await Promise.all(alone)
}

async function runAlone<Item>(client: RedisClient, place: Group<Item> & { readonly index: number }, batch: NodeBatch<Item>): Promise<void> {
  const [result] = await Promise.allSettled([invoke(batch.single, client, place.items[place.index] as Item)])
  place.results[place.index] = result
}

async function invoke<Item>(single: NodeBatch<Item>['single'], client: RedisClient, item: Item): Promise<unknown> {
  return single(client, item)
}

type Replies = readonly (readonly [error: Error | null, result: unknown])[] | { readonly thrown: Error }

async function execute(pipeline: ChainableCommander): Promise<Replies> {
  try {
    return (await pipeline.exec()) ?? []
  } catch (thrown) {
    return { thrown: toError(thrown) }
  }
}

function replyTo(replies: Replies, position: number, commands: number): readonly [error: Error | null, result: unknown] {
  if ('thrown' in replies) return [replies.thrown, undefined]
  const own = replies.slice(position * commands, (position + 1) * commands)
  if (own.length < commands) return [new Error('no reply'), undefined]
  const error = own.find(([failure]) => failure !== null)?.[0] ?? null
  return [error, commands === 1 ? own[0]?.[1] : own.map(([, result]) => result)]
}

const NOT_CARRIED_OUT = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY|LOADING) |^All keys in the pipeline should belong/

function mayRepeat({ message }: Error, repetition: Repetition = 'always'): boolean {
  if (repetition === 'when not carried out') return NOT_CARRIED_OUT.test(message)
  // Asking a node again that did not answer in time would double the wait, and the load.
  return message !== 'Command timed out'
}

function groupByNode<Item>(client: Cluster, items: readonly Item[], keyOf: (item: Item) => string): number[][] {
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
