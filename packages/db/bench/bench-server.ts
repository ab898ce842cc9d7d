import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { createDatabase, createEmbeddedPostgres, type Database } from '../src/index.ts'

export const ORIGIN = 'audit.cidadao.test/bench'

/** What the sections measure with. All sides have as many connections, and the server is one. */
export interface BenchServer {
  readonly db: Database
  /** The bare driver. */
  readonly bare: pg.Pool
  readonly prisma: PrismaClient
  /** Smaller and less exact: to see that it runs. */
  readonly quick: boolean
  stop(): Promise<void>
}

const CONNECTIONS = 8

/** A durable server, so one that really writes to the disk before it says "committed", with data of its own. */
export async function startBenchServer(quick: boolean): Promise<BenchServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cidadao-db-bench-'))
  // A checkpoint in the middle of a round would fall on one contestant only.
  const server = createEmbeddedPostgres({ dataDir, settings: { max_wal_size: '4GB', checkpoint_timeout: '30min', autovacuum: 'off' } })
  await server.start()
  const db = createDatabase({ url: server.url, auditOrigin: ORIGIN, pool: { size: CONNECTIONS, maxOverflow: 0 } })
  await db.start()
  const bare = new pg.Pool({ connectionString: server.url, min: CONNECTIONS, max: CONNECTIONS, idleTimeoutMillis: 0 })
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: server.url, max: CONNECTIONS }) })
  const stop = async (): Promise<void> => {
    await Promise.all([db.stop(), bare.end(), prisma.$disconnect()])
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { db, bare, prisma, quick, stop }
}
