import { createAgentPool, defineAgent, type AgentPool } from '@cidadao/agent-pool'
import { systemClock, type JsonValue } from '@cidadao/contracts'
import { createDatabase, migrate, uuidV7, type Database } from '@cidadao/db'
import { createTestDatabase } from '@cidadao/testing'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { migrateJobQueue } from '../../src/engine/durable/job-queue.ts'
import { PgBossEngine } from '../../src/engine/durable/pg-boss-engine.ts'
import type { PgBossEngineSettings } from '../../src/engine/durable/pg-boss-engine-options.ts'
import type { EngineEvents } from '../../src/engine/execution-engine.ts'
import { PoolStepRunner } from '../../src/engine/pool-step-runner.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Work } from './engine-rig.ts'
import { AUDIT_ORIGIN, connectTo } from './test-database.ts'

export interface DurableRig {
  readonly url: string
  readonly db: Database
  readonly pool: AgentPool
  readonly engine: PgBossEngine
  /** Agents called, in order. */
  readonly calls: readonly string[]
  readonly events: readonly (readonly [string, EngineEvents[keyof EngineEvents]])[]
}

export interface DurableRigOptions extends Omit<PgBossEngineSettings, 'agents'> {
  readonly agents: Readonly<Record<string, Work>>
  readonly url: string
}

const ANY_JSON = z.json() as z.ZodType<JsonValue>

/** Made once for all tests: what the queue needs takes seconds to make on a busy machine. */
const TEMPLATE = {
  name: 'orchestrator_durable',
  prepare: async (url: string): Promise<void> => {
    await migrate({ url })
    const db = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, migrations: 'require', pool: { size: 1 } })
    await db.start()
    try {
      await migrateJobQueue(db)
    } finally {
      await db.stop()
    }
  },
}

/** A migrated database with a job queue, of the test's own. */
export async function durableUrl(): Promise<string> {
  const database = await createTestDatabase({ template: TEMPLATE })
  onTestFinished(() => database.drop())
  return database.url
}

/** As if whoever has jobs in hand had given no sign of life for longer than is allowed. */
export async function letHeartbeatsLapse(db: Pick<Database, 'sql'>): Promise<void> {
  await db.sql.query(`UPDATE pgboss.job SET heartbeat_on = now() - interval '1 minute' WHERE state = 'active'`)
}

/** A durable engine over a real pool and a real database, which reconciles soon. */
export async function openDurableRig({ agents, url, ...settings }: DurableRigOptions): Promise<DurableRig> {
  const db = await connectTo(url)
  const calls: string[] = []
  const scripted = Object.entries(agents).map(([name, work]) =>
    defineAgent({
      name,
      version: '1',
      description: 'Scripted.',
      input: z.record(z.string(), ANY_JSON),
      output: z.unknown() as z.ZodType<JsonValue>,
      run: async (inputs, context) => {
        calls.push(name)
        return work(inputs, context)
      },
    }),
  )
  const pool: AgentPool = createAgentPool({ agents: scripted, threads: 1, cancelGraceMs: 300 })
  const engine = new PgBossEngine({
    db,
    runner: new PoolStepRunner(pool),
    capacity: (agent) => pool.capacity(agent),
    memory: { recall: async () => undefined, remember: async () => {} },
    clock: systemClock,
    pollMs: 50,
    heartbeatMs: 200,
    reconcileMs: 500,
    ...settings,
  })
  const events: [string, EngineEvents[keyof EngineEvents]][] = []
  for (const name of ['step-ended', 'run-ended', 'run-stalled'] as const) engine.events.on(name, (event) => void events.push([name, event]))
  onTestFinished(async () => {
    await engine.stop()
    await pool.stop()
  })
  await pool.start()
  await engine.start()
  return { url, db, pool, engine, calls, events }
}

export async function submitTo(engine: Pick<PgBossEngine, 'submit'>, plan: Plan, owner: string | null = null): Promise<string> {
  const id = uuidV7(systemClock.now())
  await engine.submit({ id, owner, query: 'Análise de contratos', source: '/data', plan })
  return id
}
