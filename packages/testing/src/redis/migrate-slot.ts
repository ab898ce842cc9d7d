import type { RedisClusterFixture } from './start-redis-cluster.ts'

export interface SlotMigration {
  readonly slot: number
  /** Its owner, by its place in `nodes`. */
  readonly from: number
  /** Another primary. */
  readonly to: number
  /** Runs while the slot is between the two: its keys are still where they were. @default nothing */
  readonly halfway?: () => Promise<void>
}

const KEYS_AT_ONCE = 100
const MIGRATE_TIMEOUT_MS = 5_000

/** Moves a slot of a cluster to another primary, as an operator does it, while clients go on. */
export async function migrateSlot(cluster: RedisClusterFixture, { slot, from, to, halfway }: SlotMigration): Promise<void> {
  const [source, target] = [cluster.nodes[from], cluster.nodes[to]]
  if (source === undefined || target === undefined || from === to) {
    throw new RangeError(`from, to: two nodes of the cluster are required, not ${String(from)} and ${String(to)}`)
  }
  const name = String(slot)
  await cluster.command(to, 'CLUSTER', 'SETSLOT', name, 'IMPORTING', source.id)
  await cluster.command(from, 'CLUSTER', 'SETSLOT', name, 'MIGRATING', target.id)
  await halfway?.()
  await moveKeys(cluster, { slot: name, from, target })
  for (const node of [to, from]) await cluster.command(node, 'CLUSTER', 'SETSLOT', name, 'NODE', target.id)
}

async function moveKeys(
  cluster: RedisClusterFixture,
  move: { readonly slot: string; readonly from: number; readonly target: { readonly host: string; readonly port: number } },
): Promise<void> {
  const { slot, from, target } = move
  const access = cluster.password === null ? [] : ['AUTH', cluster.password]
  for (;;) {
    const keys = (await cluster.command(from, 'CLUSTER', 'GETKEYSINSLOT', slot, String(KEYS_AT_ONCE))) as string[]
    if (keys.length === 0) return
    const address = [target.host, String(target.port), '', '0', String(MIGRATE_TIMEOUT_MS)]
    await cluster.command(from, 'MIGRATE', ...address, 'REPLACE', ...access, 'KEYS', ...keys)
  }
}
