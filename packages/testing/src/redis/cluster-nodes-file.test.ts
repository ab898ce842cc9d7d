import { describe, expect, it } from 'vitest'
import { CLUSTER_SLOTS, nodesFile, planCluster, type PlannedNode } from './cluster-nodes-file.ts'

function portsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

function slotsOf(plan: readonly PlannedNode[]): number[] {
  return plan.flatMap(({ role }) => (role.kind === 'primary' ? portsFrom(role.firstSlot, role.lastSlot - role.firstSlot + 1) : []))
}

describe('planning a cluster', () => {
  it.each([3, 4, 5, 7, 16])('deals every slot to exactly one of %d primaries', (primaries) => {
    const slots = slotsOf(planCluster({ primaries, replicas: 0 }, portsFrom(11_000, primaries)))
    expect(slots).toEqual(portsFrom(0, CLUSTER_SLOTS))
  })

  it('deals the replicas to the primaries in turn', () => {
    const plan = planCluster({ primaries: 3, replicas: 4 }, portsFrom(11_000, 7))
    const followed = plan.flatMap(({ role }) => (role.kind === 'replica' ? [plan.findIndex((node) => node.id === role.primaryId)] : []))
    expect(followed).toEqual([0, 1, 2, 0])
  })

  it('gives every node an id of its own', () => {
    const ids = planCluster({ primaries: 3, replicas: 3 }, portsFrom(11_000, 6)).map((node) => node.id)
    expect(new Set(ids).size).toBe(6)
    expect(ids.every((id) => /^[0-9a-f]{40}$/.test(id))).toBe(true)
  })
})

describe('a nodes file', () => {
  it('lists all nodes with their buses and marks the one it is for', () => {
    const plan = planCluster({ primaries: 3, replicas: 3 }, portsFrom(11_000, 6))
    const self = plan[3]
    if (self === undefined) throw new Error('six nodes were planned')
    const lines = nodesFile(plan, self).trimEnd().split('\n')
    expect(lines).toHaveLength(7)
    expect(lines[0]).toBe(`${plan[0]?.id ?? ''} 127.0.0.1:11000@21000 master - 0 0 1 connected 0-5460`)
    expect(lines[3]).toBe(`${self.id} 127.0.0.1:11003@21003 myself,slave ${plan[0]?.id ?? ''} 0 0 0 connected`)
    expect(lines[6]).toBe('vars currentEpoch 6 lastVoteEpoch 0')
    expect(lines.filter((line) => line.includes('myself'))).toHaveLength(1)
  })
})
