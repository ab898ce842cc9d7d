import { TestClock } from '@cidadao/contracts'
import type { AgentDefinition } from '../agent.ts'
import { createAgentPool, type AgentPool, type CatalogOf } from '../agent-pool.ts'
import type { AgentPoolOptions } from '../agent-pool-options.ts'
import type { AgentPoolEvents } from '../events.ts'
import { seededRandom } from './seeded-random.ts'

/** An event of the pool, with the time at which it came. */
export type RecordedEvent = {
  readonly [Name in keyof AgentPoolEvents]: { readonly atMs: number; readonly name: Name; readonly payload: AgentPoolEvents[Name] }
}[keyof AgentPoolEvents]

export interface TestPoolOptions<Agents extends readonly AgentDefinition[]> extends Omit<AgentPoolOptions<Agents>, 'clock' | 'random'> {
  /** @default a new one */
  readonly clock?: TestClock
  /** Of jitter and routing. @default 1 */
  readonly seed?: number
}

export interface TestPool<Agents extends readonly AgentDefinition[]> {
  readonly pool: AgentPool<CatalogOf<Agents>>
  readonly clock: TestClock
  /** Everything that happened, oldest first; grows as it goes on. */
  readonly events: readonly RecordedEvent[]
  /** Lets time pass, with all that is due in it, and all that can happen without time. */
  advance(ms: number): Promise<void>
  /** Stops the pool and gives running agents no time. */
  stop(): Promise<void>
}

const EVENT_NAMES = [
  'runQueued',
  'runStarted',
  'runFinished',
  'runRejected',
  'runAbandoned',
  'runRetried',
  'progressListenerFailed',
  'threadStarted',
  'threadCrashed',
  'threadKilled',
  'threadRecycled',
  'threadStartFailed',
  'workersEvicted',
  'workersRestarted',
  'workerUnresponsive',
  'agentUnready',
  'agentDisposeFailed',
  'rateLimitStoreFailed',
  'circuitOpened',
  'circuitHalfOpened',
  'circuitClosed',
  'drained',
] as const satisfies readonly (keyof AgentPoolEvents)[]

/**
 * A real pool, started, whose time moves only when told to and whose chance is seeded: with inline agents, the same
 * test takes the same course each time.
 */
export async function startTestPool<const Agents extends readonly AgentDefinition[]>(
  options: TestPoolOptions<Agents>,
): Promise<TestPool<Agents>> {
  const { clock = new TestClock(), seed = 1, ...settings } = options
  const pool = createAgentPool<Agents>({ ...settings, clock, random: seededRandom(seed) })
  const events: RecordedEvent[] = []
  for (const name of EVENT_NAMES) {
    pool.on(name, (payload) => events.push({ atMs: clock.monotonicMs(), name, payload } as RecordedEvent))
  }
  await pool.start()
  const stop = async (): Promise<void> => {
    const drained = pool.drain({ deadlineMs: 0 })
    const stopping = pool.stop()
    await clock.advance(STOP_WITHIN_MS)
    await Promise.all([drained, stopping])
  }
  return { pool, clock, events, advance: (ms) => clock.advance(ms), stop }
}

/** Longer than any grace a test would configure. */
const STOP_WITHIN_MS = 86_400_000
