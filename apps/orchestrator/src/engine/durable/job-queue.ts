import { randomUUID } from 'node:crypto'
import { defineService, TypedEvents, type EventSource, type Service } from '@cidadao/contracts'
import type { Database, DatabaseTransaction } from '@cidadao/db'
import { PgBoss, type Db } from 'pg-boss'

/** Runs statements: of the database, or of the caller's transaction. */
export type JobSql = DatabaseTransaction['sql']

/** A step to be done, as the queue carries it. */
export interface StepJobData {
  readonly runId: string
  readonly stepId: string
  /** Tries of the step before this job. */
  readonly tries: number
}

/** A job in this process's hands, until it is dropped or its heartbeats end. */
export interface StepJob {
  readonly id: string
  readonly queue: string
  /** How often it was taken before. */
  readonly retryCount: number
  readonly data: StepJobData
}

export interface NewStepJob extends StepJobData {
  readonly agent: string
  /** Runs of one group share a limit. */
  readonly group: string
  readonly timeoutMs: number
}

export interface JobQueueEvents {
  /** The queue's own upkeep (expiry, dead letters, clearing) failed; it is tried again at its next interval. */
  readonly failed: { readonly error: Error }
}

export interface JobQueueOptions {
  readonly db: Pick<Database, 'sql'>
  readonly agents: readonly string[]
  /** How often a job whose process died is taken again before its step fails. */
  readonly retries: number
  /** Jobs of one group at work on one agent, in all processes. */
  readonly groupConcurrency: number
}

export const QUEUE_SCHEMA = 'pgboss'
export const DEAD_LETTERS = 'steps-dead'
/** The least that pg-boss takes; with a look each second it bounds the hand-over of a dead worker's steps. */
const HEARTBEAT_SECONDS = 10
const EXPIRY_GRACE_SECONDS = 60
const MAX_EXPIRY_SECONDS = 86_000
const RETENTION_SECONDS = 30 * 86_400

export function queueOf(agent: string): string {
  return `steps/${agent}`
}

/**
 * Jobs of steps in PostgreSQL, by pg-boss over the connections of `Database`. A job that is done is deleted, in the
 * transaction that stores what it did: what was done is told by steps and events.
 */
export class JobQueue implements Service {
  readonly name = 'job-queue'
  readonly #options: JobQueueOptions
  readonly #events = new TypedEvents<JobQueueEvents>()
  readonly #boss: PgBoss
  readonly #service: Service

  constructor(options: JobQueueOptions) {
    this.#options = options
    this.#boss = createBoss(options.db.sql, { migrate: false })
    this.#boss.on('error', (error) => this.#events.emit('failed', { error }))
    this.#service = defineService({ name: this.name, start: () => this.#start(), stop: () => this.#boss.stop({ graceful: false }) })
  }

  get events(): EventSource<JobQueueEvents> {
    return this.#events
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#service.start(signal)
  }

  stop(): Promise<void> {
    return this.#service.stop()
  }

  /** Within the caller's transaction; ids in the order of the jobs. */
  async add(sql: JobSql, jobs: readonly NewStepJob[]): Promise<readonly string[]> {
    const ids = jobs.map(() => randomUUID())
    for (const [agent, places] of Map.groupBy(jobs.keys(), (place) => jobs[place]?.agent ?? '')) {
      const inserts = places.flatMap((place) => {
        const job = jobs[place]
        return job === undefined ? [] : [toInsert(job, ids[place] ?? '')]
      })
      await this.#boss.insert(queueOf(agent), inserts, { db: toBossDb(sql), returnId: false })
    }
    return ids
  }

  take(agent: string, limit: number): Promise<readonly StepJob[]> {
    return this.#take(queueOf(agent), { batchSize: limit, groupConcurrency: this.#options.groupConcurrency })
  }

  takeDead(limit: number): Promise<readonly StepJob[]> {
    return this.#take(DEAD_LETTERS, { batchSize: limit })
  }

  /** Says that these are still being worked on; resolves to those that are ours no more. */
  async touch(jobs: readonly StepJob[]): Promise<readonly StepJob[]> {
    const lost: StepJob[] = []
    for (const [queue, held] of Map.groupBy(jobs, (job) => job.queue)) {
      const { settled } = (await this.#boss.touch(queue, held.map(toAttempt))) as { readonly settled?: readonly string[] }
      const kept = new Set(settled ?? held.map(({ id }) => id))
      lost.push(...held.filter(({ id }) => !kept.has(id)))
    }
    return lost
  }

  /** Deletes a job that is ours; where it is no longer, nothing. */
  async drop(sql: JobSql, { queue, id, retryCount }: StepJob): Promise<void> {
    await this.#boss.deleteJob(queue, [{ id, retryCount }], { db: toBossDb(sql) })
  }

  /** Which of these jobs wait or are worked on. */
  async alive(sql: JobSql, ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set()
    const text = `SELECT id::text AS id FROM ${QUEUE_SCHEMA}.job WHERE id = ANY ($1::uuid[]) AND state < 'completed'`
    return new Set((await sql.query<{ id: string }>(text, [ids])).rows.map(({ id }) => id))
  }

  async #take(queue: string, options: { readonly batchSize: number; readonly groupConcurrency?: number }): Promise<readonly StepJob[]> {
    const jobs = await this.#boss.fetch<StepJobData>(queue, options)
    return jobs.map(({ id, retryCount, data }) => ({ id, queue, retryCount, data }))
  }

  async #start(): Promise<void> {
    await this.#boss.start()
    const common = { retryDelay: 0, retentionSeconds: RETENTION_SECONDS, deleteAfterSeconds: 3_600 }
    await this.#boss.createQueue(DEAD_LETTERS, { ...common, retryLimit: 100, heartbeatSeconds: HEARTBEAT_SECONDS })
    const settings = { ...common, retryLimit: this.#options.retries, heartbeatSeconds: HEARTBEAT_SECONDS, deadLetter: DEAD_LETTERS }
    for (const agent of this.#options.agents) await this.#boss.createQueue(queueOf(agent), settings)
  }
}

/** Makes or brings up to date what the queue needs in the database. */
export async function migrateJobQueue(db: Pick<Database, 'sql'>): Promise<void> {
  const boss = createBoss(db.sql, { migrate: true })
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  boss.on('error', failed.reject)
  await Promise.race([boss.start(), failed.promise])
  await boss.stop({ graceful: false })
}

function createBoss(sql: JobSql, { migrate }: { readonly migrate: boolean }): PgBoss {
  return new PgBoss({
    db: toBossDb(sql),
    schema: QUEUE_SCHEMA,
    migrate,
    createSchema: migrate,
    supervise: !migrate,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    schedule: false,
    registerInstance: false,
  })
}

function toBossDb(sql: JobSql): Db {
  return {
    executeSql: async (text, values) => {
      try {
        return await sql.query(text, values === undefined ? undefined : [...values])
      } catch (thrown) {
        throw driverErrorOf(thrown)
      }
    },
  }
}

/** pg-boss looks at SQLSTATEs, which the database's own errors keep as their cause. */
function driverErrorOf(thrown: unknown): unknown {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof Error && 'code' in cause && /^[0-9A-Z]{5}$/.test(String(cause.code)) ? cause : thrown
}

function toInsert({ runId, stepId, tries, group, timeoutMs }: NewStepJob, id: string): Parameters<PgBoss['insert']>[1][number] {
  const expireInSeconds = Math.min(MAX_EXPIRY_SECONDS, Math.ceil(timeoutMs / 1_000) + EXPIRY_GRACE_SECONDS)
  return { id, data: { runId, stepId, tries }, expireInSeconds, group: { id: group } }
}

function toAttempt({ id, retryCount }: StepJob): { readonly id: string; readonly retryCount: number } {
  return { id, retryCount }
}
