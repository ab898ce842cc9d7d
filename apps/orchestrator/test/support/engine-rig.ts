import {
  createAgentPool,
  defineAgent,
  defineThreadAgent,
  type AgentContext,
  type AgentDefinition,
  type AgentPool,
} from '@cidadao/agent-pool'
import { createCache, type Cache } from '@cidadao/cache'
import { silentLogger, systemClock, type JsonValue } from '@cidadao/contracts'
import { uuidV7, type AuditRecord, type Database, type EventRecord, type Investigation, type StepRecord } from '@cidadao/db'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { CachedStepMemory } from '../../src/engine/cached-step-memory.ts'
import { DatabaseRunStore } from '../../src/engine/database-run-store.ts'
import type { EngineEvents } from '../../src/engine/execution-engine.ts'
import { InlineEngine } from '../../src/engine/inline-engine.ts'
import type { InlineEngineSettings } from '../../src/engine/inline-engine-options.ts'
import { PoolStepRunner } from '../../src/engine/pool-step-runner.ts'
import type { RunStore } from '../../src/engine/run-store.ts'
import { planSchema, type Plan } from '../../src/plan/plan.ts'
import { connectTo, sharedUrl } from './test-database.ts'

export type Work = (inputs: Readonly<Record<string, JsonValue>>, context: AgentContext) => JsonValue | Promise<JsonValue>

export interface RigOptions extends InlineEngineSettings {
  /** What the scripted agent `name` does; each is an inline agent. */
  readonly agents: Readonly<Record<string, Work>>
  /** Those of them whose results may be remembered. */
  readonly deterministic?: readonly string[]
  /** On the same database as another rig. @default that of the test file */
  readonly url?: string
  /** Whether there is a thread with the agent `loop`. @default false */
  readonly looping?: boolean
  readonly wrapStore?: (store: RunStore) => RunStore
  readonly cache?: Cache
}

/** An engine over a real pool, a real cache and a real database. */
export interface Rig {
  readonly url: string
  readonly db: Database
  readonly store: DatabaseRunStore
  readonly pool: AgentPool
  readonly cache: Cache
  readonly engine: InlineEngine
  /** Agents called, in order. */
  readonly calls: readonly string[]
  readonly events: readonly (readonly [keyof EngineEvents, EngineEvents[keyof EngineEvents]])[]
}

const LOOP_MODULE = new URL('./thread-agents.ts', import.meta.url)
const ANY_JSON = z.json() as z.ZodType<JsonValue>
const LOOP_CONTRACT = { name: 'loop', version: '1', description: 'Never ends.', input: z.looseObject({}), output: ANY_JSON } as const

export async function openRig(options: RigOptions): Promise<Rig> {
  const {
    agents,
    deterministic = [],
    wrapStore = (same: RunStore): RunStore => same,
    url = await sharedUrl(),
    looping = false,
    cache = createCache({}),
    ...settings
  } = options
  const db = await connectTo(url)
  const calls: string[] = []
  const scripted = Object.entries(agents).map(([name, work]) =>
    defineAgent({
      name,
      version: '1',
      description: 'Scripted.',
      input: z.record(z.string(), ANY_JSON),
      output: z.unknown() as z.ZodType<JsonValue>,
      deterministic: deterministic.includes(name),
      run: async (inputs, context) => {
        calls.push(name)
        return work(inputs, context)
      },
    }),
  )
  const looped = looping ? [defineThreadAgent({ ...LOOP_CONTRACT, module: LOOP_MODULE, exportName: 'loop' })] : []
  const pool: AgentPool = createAgentPool({
    agents: [...scripted, ...looped] as readonly AgentDefinition[],
    threads: 1,
    cancelGraceMs: 300,
  })
  const store = new DatabaseRunStore(db, systemClock)
  const engine = new InlineEngine({
    store: wrapStore(store),
    runner: new PoolStepRunner(pool),
    memory: new CachedStepMemory(cache, { ttlMs: 60_000, logger: silentLogger }),
    clock: systemClock,
    firstRetryMs: 20,
    longestRetryMs: 100,
    ...settings,
  })
  const events = record(engine)
  onTestFinished(async () => {
    await engine.stop()
    await pool.stop()
    await cache.stop()
  })
  await cache.start()
  await pool.start()
  await engine.start()
  return { url, db, store, pool, cache, engine, calls, events }
}

const EVENT_NAMES = ['run-submitted', 'step-started', 'step-ended', 'run-ended', 'run-stalled', 'run-abandoned'] as const

function record(engine: InlineEngine): Rig['events'] {
  const seen: [keyof EngineEvents, EngineEvents[keyof EngineEvents]][] = []
  for (const name of EVENT_NAMES) engine.events.on(name, (payload) => void seen.push([name, payload]))
  return seen
}

export interface StepSpec {
  readonly id: string
  readonly agent?: string
  readonly after?: readonly string[]
  readonly onUpstream?: 'all_success' | 'all_done' | 'one_failed'
  readonly essential?: boolean
  readonly timeoutMs?: number
}

/** Steps whose agent is called like them, with the results of those before them as inputs. */
export function planOf(...steps: readonly StepSpec[]): Plan {
  return planSchema.parse({
    version: 1,
    madeBy: 'test',
    onStepFailure: 'complete_with_gaps',
    steps: steps.map(({ id, agent = id, after = [], ...rest }) => ({
      id,
      agent,
      inputs: Object.fromEntries(after.map((name) => [name, { from: name }])),
      dependsOn: after,
      ...rest,
    })),
  })
}

/** Submits and returns the id. */
export async function submit(rig: Pick<Rig, 'engine'>, plan: Plan): Promise<string> {
  const id = uuidV7(systemClock.now())
  await rig.engine.submit({ id, owner: null, query: 'Análise de contratos', source: '/data', plan })
  return id
}

export async function runToTheEnd(rig: Rig, plan: Plan): Promise<Stored> {
  const id = await submit(rig, plan)
  await rig.engine.settled(id)
  return readStored(rig.db, id)
}

/** All that is stored of a run. */
export interface Stored {
  readonly id: string
  readonly investigation: Investigation
  readonly steps: Readonly<Record<string, StepRecord>>
  readonly events: readonly EventRecord[]
  readonly audit: readonly AuditRecord[]
  readonly auditHolds: boolean
}

export async function readStored(db: Database, id: string): Promise<Stored> {
  const investigation = await db.investigations.get(id)
  if (investigation === undefined) throw new Error(`nothing is stored of ${id}`)
  const steps = Object.fromEntries((await db.runs.listSteps(id)).map((step) => [step.stepId, step]))
  const { ok } = await db.audit.verify(db.sql)
  return {
    id,
    investigation,
    steps,
    events: await db.runs.listEvents(id, { limit: 1_000 }),
    audit: await db.audit.entriesOf(db.sql, id),
    auditHolds: ok,
  }
}

/** `step.started load` and the like, for looking at the order. */
export function outline(events: readonly EventRecord[]): string[] {
  return events.map(({ type, data }) => (typeof data.step === 'string' ? `${type} ${data.step}` : type))
}

/** A point that a test waits for and another that it lets go on from. */
export interface Gate {
  readonly reached: Promise<void>
  open(): void
  /** For the agent: says that it is here, and waits. */
  pass(signal?: AbortSignal): Promise<void>
}

export function gate(): Gate {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    pass: async (signal) => {
      reached.resolve()
      await Promise.race([
        opened.promise,
        new Promise<never>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })),
      ])
    },
  }
}
