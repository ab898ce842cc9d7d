import { serviceGroup, type Clock } from '@cidadao/contracts'
import type { Config } from '@cidadao/config'
import type { Database } from '@cidadao/db'
import { DatabaseRunStore } from '../database-run-store.ts'
import type { ExecutionEngine } from '../execution-engine.ts'
import { InlineEngine } from '../inline-engine.ts'
import type { StepMemory, StepRunner } from '../step-runner.ts'
import { migrateJobQueue } from './job-queue.ts'
import { PgBossEngine } from './pg-boss-engine.ts'

export interface EngineParts {
  readonly db: Database
  readonly runner: StepRunner
  readonly capacity: (agent: string) => number
  readonly memory: StepMemory
  readonly clock: Clock
}

/** The engine that the configuration asks for. */
export function createEngine(config: Config, parts: EngineParts): ExecutionEngine {
  const { engine, role, workerAgents, maxConcurrentInvestigations: maxRunning, investigationTimeoutMs: runTimeoutMs } = config.orchestrator
  const { db, runner, memory, clock } = parts
  if (engine === 'inline')
    return new InlineEngine({ store: new DatabaseRunStore(db, clock), runner, memory, clock, maxRunning, runTimeoutMs })
  const durable = new PgBossEngine({ ...parts, role, runTimeoutMs, ...(workerAgents === undefined ? {} : { agents: workerAgents }) })
  // Whoever brings a database decides when its schema changes; ours is nobody else's business.
  return config.db.url === undefined ? withMigration(durable, db) : durable
}

function withMigration(engine: PgBossEngine, db: Database): ExecutionEngine {
  const migration = { name: 'job-queue-migration', start: () => migrateJobQueue(db), stop: async (): Promise<void> => {} }
  const both = serviceGroup([migration, engine], engine.name)
  return {
    name: engine.name,
    events: engine.events,
    start: (signal) => both.start(signal),
    stop: () => both.stop(),
    submit: (run) => engine.submit(run),
    cancel: (id) => engine.cancel(id),
    settled: (id, signal) => engine.settled(id, signal),
    recover: () => engine.recover(),
    stats: () => engine.stats(),
  }
}
