import { systemClock, type Clock } from '@cidadao/contracts'
import { checkedName, type TierKey } from '../key.ts'
import { checkedTtl } from '../ttl.ts'
import type { LogicalClock } from '../consistency/logical-clock.ts'
import type { LeasedRead, LeaseRequest, Tier, TierFence, TierLease, TierRead, TierWrite } from '../tiers/tier.ts'
import { ExpirySweep } from './expiry-sweep.ts'
import { toTierError } from './postgres-errors.ts'
import { PostgresBatches } from './postgres-batches.ts'
import { PostgresClock } from './postgres-clock.ts'
import { PostgresLease } from './postgres-lease.ts'
import { hashOf, STATEMENTS, type StatementName } from './statements.ts'

/** What the tier needs of a pool: `pg`'s own has it. Give it a small one of its own, with a `statement_timeout`. */
export interface PostgresPoolPort {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>
}

export type QueryPostgres = (statement: StatementName, values: unknown[]) => ReturnType<PostgresPoolPort['query']>

export interface PostgresTierOptions {
  /** What policies and lookups call the tier. @default 'postgres' */
  readonly name?: string
  /** Wait between two removals of expired rows, in milliseconds. @default 60_000 */
  readonly sweepIntervalMs?: number
  /** Rows removed by one statement. @default 500 */
  readonly sweepBatchSize?: number
  /** Told of a failed removal; it is tried again at the next interval. @default ignored: the tier's own probe and reads tell, too */
  readonly onSweepError?: (error: Error) => void
  /** @default systemClock */
  readonly clock?: Clock
}

/** The table `cache_entries` of a PostgreSQL as a tier, with a fence. It runs no DDL: the table comes from migrations. */
export function postgresTier(pool: PostgresPoolPort, options: PostgresTierOptions = {}): Tier {
  return new PostgresTier(pool, options)
}

const DEFAULTS = { name: 'postgres', sweepIntervalMs: 60_000, sweepBatchSize: 500 } as const
const CLEAR_BATCH_SIZE = 1_000

class PostgresTier implements Tier {
  readonly name: string
  readonly fence: TierFence
  readonly lease: TierLease
  readonly clock: LogicalClock
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly #pool: PostgresPoolPort
  readonly #batches: PostgresBatches

  constructor(pool: PostgresPoolPort, options: PostgresTierOptions) {
    this.name = checkedName('name', options.name ?? DEFAULTS.name)
    this.#pool = pool
    this.fence = {
      read: (key, windowMs, lease) => this.#readWithLease(key, windowMs, lease),
      fill: (key, entry, generation) => this.#batches.fill(key, entry, generation),
      discard: async (key, generation) => {
        await this.#query('discard', [hashOf(key.id), key.id, generation])
      },
    }
    const query: QueryPostgres = (statement, values) => this.#query(statement, values)
    this.#batches = new PostgresBatches(query)
    this.lease = new PostgresLease(query)
    this.clock = new PostgresClock(query)
    const sweep = new ExpirySweep({
      clock: options.clock ?? systemClock,
      options: {
        intervalMs: checkedTtl('sweepIntervalMs', options.sweepIntervalMs ?? DEFAULTS.sweepIntervalMs),
        batchSize: Math.max(1, options.sweepBatchSize ?? DEFAULTS.sweepBatchSize),
      },
      deleteExpired: async (limit) => (await this.#query('sweepBatch', [limit])).rowCount ?? 0,
      onError: options.onSweepError ?? (() => {}),
    }).service()
    this.start = () => sweep.start()
    this.stop = () => sweep.stop()
  }

  async read(key: TierKey): Promise<TierRead> {
    return this.#batches.read(key)
  }

  async write(key: TierKey, entry: TierWrite): Promise<void> {
    await this.#batches.write(key, entry)
  }

  async delete(key: TierKey): Promise<boolean> {
    return this.#batches.delete(key)
  }

  async clear(namespace: string): Promise<void> {
    let deleted = CLEAR_BATCH_SIZE
    while (deleted === CLEAR_BATCH_SIZE) deleted = (await this.#query('clearBatch', [namespace, CLEAR_BATCH_SIZE])).rowCount ?? 0
  }

  async probe(): Promise<void> {
    await this.#query('probe', [])
  }

  async #readWithLease(key: TierKey, windowMs: number, lease: LeaseRequest | undefined): Promise<LeasedRead> {
    const read = await this.#readToFill(key, windowMs)
    return lease === undefined || read.entry !== undefined ? read : { ...read, lease: await this.lease.acquire(key, lease) }
  }

  async #readToFill(key: TierKey, windowMs: number): Promise<TierRead> {
    const found = await this.read(key)
    if (found.generation !== undefined) return found
    const generation = await this.#batches.openWindow(key, windowMs)
    // Somebody else was faster: what they made is there now.
    return generation === undefined ? this.read(key) : { entry: undefined, generation }
  }

  async #query(statement: StatementName, values: unknown[]): ReturnType<PostgresPoolPort['query']> {
    try {
      return await this.#pool.query(STATEMENTS[statement], values)
    } catch (thrown) {
      throw toTierError(thrown)
    }
  }
}
