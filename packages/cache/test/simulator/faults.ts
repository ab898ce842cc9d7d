import { bucketKey, clockKey, FakeRedisClock } from './fake-clocks.ts'
import { entryIdOf } from './fake-server.ts'
import type { Oracle } from './oracle.ts'
import { KEYS, type Action, type Key } from './schedule.ts'
import type { VirtualTime } from './virtual-time.ts'
import { healthy, PREFIX, type SimulatedNode, type World } from './world.ts'

const LARGEST_SET_BACK_MS = 800
/** Documented: a clock that has just begun runs ahead of the time, and until that has caught up could repeat what is lost. */
const CLOCK_BEGINS_FOR_MS = 1_400

export interface FaultParts {
  readonly time: VirtualTime
  readonly world: World
  readonly oracle: Oracle
}

type Of<Kind extends Action['do']> = Extract<Action, { readonly do: Kind }>

/** Breaks something, for a while or once. */
export function inject(action: Action, parts: FaultParts): void {
  const { world, oracle } = parts
  switch (action.do) {
    case 'loss':
      return impair(parts, action, { loss: action.loss })
    case 'slow':
      return impair(parts, action, { slowestMs: action.slowestMs })
    case 'cut':
      return impair(parts, action, { down: true })
    case 'down':
      for (const node of world.nodes.keys()) impair(parts, { ...action, node }, { down: true })
      return
    case 'deafen':
      return deafen(parts, action)
    case 'interrupt':
      return world.node(action.node).bus?.interrupt()
    case 'pause':
      return pause(parts, world.node(action.node), action.forMs)
    case 'evict-entry':
      return world.server(action.tier)?.server.evictEntry({ namespace: PREFIX, id: `${PREFIX}/${action.key}` })
    case 'evict-clock':
      return evictClock(world, action)
    case 'flush':
      return world.server(action.tier)?.server.keyspace.clear()
    case 'failover':
      return failOver(parts, action)
    case 'restart':
      oracle.died(world.restart(action.node))
      return
    case 'jump':
      world.node(action.node).clock.wallOffsetMs += action.byMs
      return
    default:
      throw new TypeError(`${action.do} is no fault`)
  }
}

function impair(
  { time, world }: FaultParts,
  { node, tier, forMs }: Pick<Of<'cut'>, 'node' | 'tier' | 'forMs'>,
  change: Partial<ReturnType<typeof healthy>>,
): void {
  const link = world.node(node).links.get(tier)
  if (link === undefined) return
  Object.assign(link, change)
  time.after(forMs, () => Object.assign(link, healthy(tier)))
}

function deafen({ time, world }: FaultParts, { node, loss, forMs }: Of<'deafen'>): void {
  const { busState } = world.node(node)
  busState.loss = loss
  time.after(forMs, () => {
    busState.loss = 0
  })
}

function pause({ time }: FaultParts, { lane }: SimulatedNode, forMs: number): void {
  lane.pausedUntilMs = Math.max(lane.pausedUntilMs, time.nowMs + forMs)
}

/** Of PostgreSQL nothing is evicted. */
function evictClock(world: World, { part, tag }: Of<'evict-clock'>): void {
  world.server('redis')?.server.keyspace.delete(part === 'tags' ? bucketKey(PREFIX, tag) : clockKey(PREFIX, part))
}

/** A replica that lags takes over, of all keys, of the entries' shard or of the clock's; its time is another. */
function failOver({ time, world, oracle }: FaultParts, { shard, lagMs, skewMs }: Of<'failover'>): void {
  const redis = world.server('redis')
  if (redis === undefined) return
  const { clock } = redis.server
  const clockAgeMs = clock instanceof FakeRedisClock ? clock.ageMs : Number.POSITIVE_INFINITY
  const isOfShard = (key: string): boolean => {
    const isOfClock = key.startsWith('{')
    if (isOfClock && clockAgeMs < CLOCK_BEGINS_FOR_MS) return false
    return shard === 'all' || isOfClock === (shard === 'clock')
  }
  const changed = redis.server.keyspace.rollBack(1_700_000_000_000 + time.nowMs + redis.skewMs - lagMs, isOfShard)
  // Neither is it set back so soon.
  if (clockAgeMs > LARGEST_SET_BACK_MS) redis.skewMs = skewMs
  const keys = new Set<Key>(KEYS.filter((key) => [...changed].some((stored) => entryIdOf(stored) === `${PREFIX}/${key}`)))
  oracle.failedOver({ sinceMs: time.nowMs - lagMs, keys, clock: [...changed].some((stored) => stored.startsWith('{')) })
}
