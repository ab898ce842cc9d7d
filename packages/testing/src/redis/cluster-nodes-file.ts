import { randomBytes } from 'node:crypto'

export const CLUSTER_SLOTS = 16_384
/** Redis puts the bus there. */
export const BUS_OFFSET = 10_000

export interface PlannedNode {
  readonly id: string
  readonly port: number
  readonly role:
    | { readonly kind: 'primary'; readonly firstSlot: number; readonly lastSlot: number }
    | { readonly kind: 'replica'; readonly primaryId: string }
}

export interface ClusterShape {
  readonly primaries: number
  /** Replicas in all, dealt to the primaries in turn. */
  readonly replicas: number
}

/** Who owns which slots and who follows whom, decided before any node starts. */
export function planCluster(shape: ClusterShape, ports: readonly number[]): PlannedNode[] {
  const primaries = ports.slice(0, shape.primaries).map((port, index): PlannedNode => {
    const firstSlot = Math.floor((index * CLUSTER_SLOTS) / shape.primaries)
    const lastSlot = Math.floor(((index + 1) * CLUSTER_SLOTS) / shape.primaries) - 1
    return { id: newNodeId(), port, role: { kind: 'primary', firstSlot, lastSlot } }
  })
  const replicas = ports.slice(shape.primaries).map((port, index): PlannedNode => {
    const primary = primaries[index % shape.primaries]
    if (primary === undefined) throw new RangeError('a replica needs a primary')
    return { id: newNodeId(), port, role: { kind: 'replica', primaryId: primary.id } }
  })
  return [...primaries, ...replicas]
}

/**
 * The `nodes.conf` that `self` starts from. Every node knows all others from the beginning, so that the cluster is
 * formed as soon as they have shaken hands: no MEET, no slot assignment, no redis-cli.
 */
export function nodesFile(plan: readonly PlannedNode[], self: PlannedNode): string {
  const lines = plan.map((node, index) => {
    const flags = `${node === self ? 'myself,' : ''}${node.role.kind === 'primary' ? 'master' : 'slave'}`
    const follows = node.role.kind === 'replica' ? node.role.primaryId : '-'
    const slots = node.role.kind === 'primary' ? ` ${String(node.role.firstSlot)}-${String(node.role.lastSlot)}` : ''
    // Epochs differ between primaries, or they would have to settle that among themselves first.
    const epoch = node.role.kind === 'primary' ? index + 1 : 0
    return `${node.id} 127.0.0.1:${String(node.port)}@${String(node.port + BUS_OFFSET)} ${flags} ${follows} 0 0 ${String(epoch)} connected${slots}`
  })
  return `${lines.join('\n')}\nvars currentEpoch ${String(plan.length)} lastVoteEpoch 0\n`
}

function newNodeId(): string {
  return randomBytes(20).toString('hex')
}
