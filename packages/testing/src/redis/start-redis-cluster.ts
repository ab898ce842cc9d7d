import { delay, systemClock } from '@cidadao/contracts'
import { RedisClusterNotFormedError, TestKitOptionsError } from '../errors.ts'
import type { ServiceKind } from '../services/service-choice.ts'
import { startOnSomeMachine } from './choose-machine.ts'
import { BUS_OFFSET, CLUSTER_SLOTS, nodesFile, planCluster, type PlannedNode } from './cluster-nodes-file.ts'
import type { OpenMachine, RedisMachine } from './redis-machine.ts'
import { RedisNode } from './redis-node.ts'
import { BASE_ARGS, listenArgs, onRedisPorts } from './start-redis.ts'

export interface StartRedisClusterOptions {
  /** @default 3 */
  readonly primaries?: number
  /** Replicas in all, dealt to the primaries in turn. @default 3 */
  readonly replicas?: number
  /** @default none is asked for */
  readonly password?: string
  /** `cluster-node-timeout`, in milliseconds: a failover takes about twice this and half a second. @default 1_000 */
  readonly nodeTimeoutMs?: number
  /** Further arguments of every `redis-server`. @default [] */
  readonly args?: readonly string[]
  /** Longest time to form, in milliseconds. @default 20_000 */
  readonly formTimeoutMs?: number
}

export interface RedisClusterNode {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly url: string
  /** As planned; a failover changes it: ask `shards()`. */
  readonly initialRole: 'primary' | 'replica'
}

/** Who serves what now, in the words of one living node. */
export interface ClusterMember {
  readonly id: string
  readonly port: number
  readonly role: 'primary' | 'replica'
  /** How many slots it serves. */
  readonly slots: number
  readonly health: 'up' | 'failing'
}

/** A cluster of a test's own, to be broken at will. Nodes are named by their place in `nodes`. */
export interface RedisClusterFixture {
  readonly kind: Exclude<ServiceKind, 'url'>
  readonly nodes: readonly RedisClusterNode[]
  readonly password: string | null
  /** What the first node that answers says. */
  members(): Promise<ClusterMember[]>
  /** Runs one command on this node alone. */
  command(node: number, name: string, ...args: readonly string[]): Promise<unknown>
  kill(node: number): Promise<void>
  pause(node: number): Promise<void>
  resume(node: number): Promise<void>
  restart(node: number): Promise<void>
  stop(): Promise<void>
}

interface ResolvedClusterOptions extends Required<Omit<StartRedisClusterOptions, 'password'>> {
  readonly password: string | null
}

const DEFAULTS = Object.freeze({ primaries: 3, replicas: 3, nodeTimeoutMs: 1_000, args: [], formTimeoutMs: 20_000 })
const NODE_START_TIMEOUT_MS = 10_000
const POLL_MS = 20

/**
 * Starts a cluster to be broken, as `startRedis` does one server, and waits until all its nodes agree.
 *
 * @throws TestKitOptionsError, RedisClusterNotFormedError, RedisStartError, TestServiceUnavailableError
 */
export async function startRedisCluster(options: StartRedisClusterOptions = {}): Promise<RedisClusterFixture> {
  resolveClusterOptions(options)
  return startOnSomeMachine((openMachine) => startRedisClusterOn(openMachine, options))
}

/** Starts a cluster on this kind of machine. */
export async function startRedisClusterOn(openMachine: OpenMachine, options: StartRedisClusterOptions = {}): Promise<RedisClusterFixture> {
  const resolved = resolveClusterOptions(options)
  return onRedisPorts(resolved.primaries + resolved.replicas, async (ports) => startClusterOn(await openMachine(ports), ports, resolved))
}

/** @throws TestKitOptionsError */
function resolveClusterOptions(options: StartRedisClusterOptions): ResolvedClusterOptions {
  const resolved = { ...DEFAULTS, ...options, password: options.password ?? null }
  check(Number.isInteger(resolved.primaries) && resolved.primaries >= 3, 'primaries', 'an integer of at least 3', resolved.primaries)
  check(Number.isInteger(resolved.replicas) && resolved.replicas >= 0, 'replicas', 'an integer of at least 0', resolved.replicas)
  check(resolved.nodeTimeoutMs >= 100, 'nodeTimeoutMs', 'at least 100 ms', resolved.nodeTimeoutMs)
  return Object.freeze(resolved)
}

function check(holds: boolean, field: string, rule: string, value: number): void {
  if (!holds) throw new TestKitOptionsError(`${field}: ${rule} is required, not ${String(value)}`)
}

/** Starts a cluster on `machine`, which is closed with it, or when it fails. */
async function startClusterOn(
  machine: RedisMachine,
  ports: readonly number[],
  options: ResolvedClusterOptions,
): Promise<RedisClusterFixture> {
  try {
    const plan = planCluster(options, ports)
    const nodes = await Promise.all(plan.map((planned, index) => createNode(machine, { plan, planned, index, options })))
    await Promise.all(nodes.map((node) => node.start()))
    await untilFormed(nodes, options)
    return toFixture(machine, { plan, nodes, password: options.password })
  } catch (error) {
    await machine.close()
    throw error
  }
}

interface NodeContext {
  readonly plan: readonly PlannedNode[]
  readonly planned: PlannedNode
  readonly index: number
  readonly options: ResolvedClusterOptions
}

async function createNode(machine: RedisMachine, { plan, planned, index, options }: NodeContext): Promise<RedisNode> {
  const folder = await machine.makeFolder(`node-${String(index)}`, { 'nodes.conf': nodesFile(plan, planned) })
  const access = options.password === null ? [] : ['--requirepass', options.password, '--masterauth', options.password]
  const args = [...listenArgs(machine, planned.port, null), ...BASE_ARGS, ...clusterArgs(planned.port, options), ...access, ...options.args]
  return new RedisNode(machine, {
    port: planned.port,
    folder,
    args,
    password: options.password,
    tls: null,
    startTimeoutMs: NODE_START_TIMEOUT_MS,
  })
}

function clusterArgs(port: number, { nodeTimeoutMs }: ResolvedClusterOptions): string[] {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': String(nodeTimeoutMs),
    'cluster-announce-ip': '127.0.0.1',
    'cluster-announce-port': String(port),
    'cluster-announce-bus-port': String(port + BUS_OFFSET),
    // A cache serves what it still can.
    'cluster-require-full-coverage': 'no',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

async function untilFormed(nodes: readonly RedisNode[], options: ResolvedClusterOptions): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + options.formTimeoutMs
  for (;;) {
    const missing = await whatIsMissing(nodes)
    if (missing === null) return
    if (systemClock.monotonicMs() > deadlineMs) {
      throw new RedisClusterNotFormedError(`the cluster did not form in ${String(options.formTimeoutMs)} ms: ${missing}`)
    }
    await delay(systemClock, POLL_MS)
  }
}

/** `null` when every node sees all slots served and all nodes up, and every replica has its primary's data. */
async function whatIsMissing(nodes: readonly RedisNode[]): Promise<string | null> {
  for (const node of nodes) {
    const info = String(await node.command('CLUSTER', 'INFO'))
    const state = /cluster_state:(\w+)/.exec(info)?.[1]
    const slots = Number(/cluster_slots_ok:(\d+)/.exec(info)?.[1])
    if (state !== 'ok' || slots !== CLUSTER_SLOTS) return `node ${String(node.port)} says state ${String(state)}, ${String(slots)} slots`
    const seen = parseMembers(String(await node.command('CLUSTER', 'NODES')))
    const up = seen.filter((member) => member.health === 'up').length
    if (up !== nodes.length) return `node ${String(node.port)} sees ${String(up)} of ${String(nodes.length)} nodes`
    const replication = String(await node.command('INFO', 'replication'))
    if (replication.includes('master_link_status:down')) return `replica ${String(node.port)} has not copied its primary yet`
  }
  return null
}

function parseMembers(text: string): ClusterMember[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', address = '', flags = '', , , , , link = '', ...slots] = line.split(' ')
      const isUp = (link === 'connected' || flags.includes('myself')) && !flags.includes('fail') && !flags.includes('handshake')
      return {
        id,
        port: Number(/:(\d+)@/.exec(address)?.[1]),
        role: flags.includes('master') ? 'primary' : 'replica',
        slots: slots.filter((range) => !range.startsWith('[')).reduce((sum, range) => sum + rangeLength(range), 0),
        health: isUp ? 'up' : 'failing',
      }
    })
}

function rangeLength(range: string): number {
  const [first, last] = range.split('-').map(Number)
  return first === undefined ? 0 : (last ?? first) - first + 1
}

interface StartedCluster {
  readonly plan: readonly PlannedNode[]
  readonly nodes: readonly RedisNode[]
  readonly password: string | null
}

function toFixture(machine: RedisMachine, { plan, nodes, password }: StartedCluster): RedisClusterFixture {
  const at = (index: number): RedisNode => {
    const node = nodes[index]
    if (node === undefined) throw new TestKitOptionsError(`node: 0 to ${String(nodes.length - 1)} is required, not ${String(index)}`)
    return node
  }
  return {
    kind: machine.kind,
    nodes: plan.map(({ id, role }, index) => ({
      id,
      host: at(index).host,
      port: at(index).port,
      url: at(index).url,
      initialRole: role.kind,
    })),
    password,
    members: async () => parseMembers(String(await Promise.any(nodes.map((node) => node.command('CLUSTER', 'NODES'))))),
    command: async (index, name, ...args) => at(index).command(name, ...args),
    kill: async (index) => at(index).kill(),
    pause: async (index) => at(index).pause(),
    resume: async (index) => at(index).resume(),
    restart: async (index) => at(index).restart(),
    stop: () => machine.close(),
  }
}
