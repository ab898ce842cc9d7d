import { PrismaPg } from '@prisma/adapter-pg'
import { DatabaseClosedError } from '../errors/database-error.ts'
import { translateError } from '../errors/translate-error.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import type { ConnectionPool } from '../pool/connection-pool.ts'
import type { Repeatability, Resilience } from '../resilience/resilience.ts'

/** Prisma over the same pool, for the package's ordinary queries. Nothing of its types leaves the package. */
export class PrismaSource {
  readonly #resilience: Resilience
  #client: PrismaClient | undefined

  constructor(resilience: Resilience) {
    this.#resilience = resilience
  }

  open(pool: ConnectionPool): void {
    this.#client = new PrismaClient({ adapter: new PrismaPg(pool.driver) })
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.$disconnect()
  }

  /** Runs Prisma queries with the package's errors, retry and circuit breaker. */
  async run<T>(repeatability: Repeatability, work: (prisma: PrismaClient) => Promise<T>): Promise<T> {
    const client = this.#client
    if (client === undefined) throw new DatabaseClosedError('the database is not started')
    return this.#resilience.run(repeatability, async () => {
      try {
        return await work(client)
      } catch (error) {
        throw translateError(error)
      }
    })
  }
}
