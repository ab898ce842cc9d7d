import { TickBatch } from '../concurrency/tick-batch.ts'
import { isTierRejection } from '../errors.ts'
import type { TierKey } from '../key.ts'
import type { FillOutcome, Generation, TierRead, TierWrite } from '../tiers/tier.ts'
import { leaseRowOf } from './postgres-lease.ts'
import type { QueryPostgres } from './postgres-tier.ts'
import { hashOf } from './statements.ts'

export interface Row {
  readonly payload: Buffer | null
  readonly generation: string
  readonly remaining_ms: number
}

interface KeyedWrite {
  readonly key: TierKey
  readonly entry: TierWrite
}

interface KeyedFill extends KeyedWrite {
  readonly seen: Generation
}

interface Window {
  readonly key: TierKey
  readonly windowMs: number
}

/** Rows a statement: a long one would hold its locks, and its callers' budgets, for as long. */
const LONGEST_BATCH = 256

/**
 * Reads, writes, windows, fills and deletes asked for in one turn of the event loop, as one statement each. Those that change rows take
 * their locks in the order of the keys, so that two of them never wait for each other. A row that PostgreSQL refuses
 * harms no other: each is then tried by itself.
 */
export class PostgresBatches {
  readonly #query: QueryPostgres
  readonly #reads = new TickBatch((keys: readonly TierKey[]) => this.#readMany(keys), LONGEST_BATCH)
  readonly #writes = new TickBatch((writes: readonly KeyedWrite[]) => this.#writeMany(writes), LONGEST_BATCH)
  readonly #windows = new TickBatch((windows: readonly Window[]) => this.#openMany(windows), LONGEST_BATCH)
  readonly #fills = new TickBatch((fills: readonly KeyedFill[]) => this.#fillMany(fills), LONGEST_BATCH)
  readonly #deletes = new TickBatch((keys: readonly TierKey[]) => this.#deleteMany(keys), LONGEST_BATCH)

  constructor(query: QueryPostgres) {
    this.#query = query
  }

  read(key: TierKey): Promise<TierRead> {
    return this.#reads.ask(key)
  }

  write(key: TierKey, entry: TierWrite): Promise<void> {
    return this.#writes.ask({ key, entry })
  }

  /** Resolves to nothing where there is a live entry or window already. */
  openWindow(key: TierKey, windowMs: number): Promise<Generation | undefined> {
    return this.#windows.ask({ key, windowMs })
  }

  fill(key: TierKey, entry: TierWrite, seen: Generation): Promise<FillOutcome> {
    return this.#fills.ask({ key, entry, seen })
  }

  delete(key: TierKey): Promise<boolean> {
    return this.#deletes.ask(key)
  }

  #readMany(keys: readonly TierKey[]): Promise<readonly PromiseSettledResult<TierRead>[]> {
    return together(keys, {
      alone: async (key) => toRead((await this.#query('read', [hashOf(key.id), key.id])).rows[0] as Row | undefined),
      all: async () => {
        const { rows } = await this.#query('readMany', [keys.map(({ id }) => hashOf(id)), keys.map(({ id }) => id)])
        const found = new Map((rows as (Row & { readonly key: string })[]).map((row) => [row.key, row]))
        return keys.map(({ id }) => toRead(found.get(id)))
      },
    })
  }

  #writeMany(writes: readonly KeyedWrite[]): Promise<readonly PromiseSettledResult<void>[]> {
    return together(writes, {
      alone: async ({ key, entry }) => {
        await this.#query('write', [hashOf(key.id), key.id, key.namespace, entry.payload, entry.ttlMs])
      },
      all: async () => {
        // One statement may not touch a row twice; the last of several writes is the one that stays.
        const last = [...new Map(writes.map((write) => [write.key.id, write])).values()]
        await this.#query('writeMany', [
          last.map(({ key }) => hashOf(key.id)),
          last.map(({ key }) => key.id),
          last.map(({ key }) => key.namespace),
          last.map(({ entry }) => entry.payload),
          last.map(({ entry }) => entry.ttlMs),
        ])
        return writes.map(() => undefined)
      },
    })
  }

  #openMany(windows: readonly Window[]): Promise<readonly PromiseSettledResult<Generation | undefined>[]> {
    const open = async (statement: 'openWindow' | 'openWindowMany', values: unknown[]): Promise<readonly Opened[]> =>
      (await this.#query(statement, values)).rows as readonly Opened[]
    return together(windows, {
      alone: async ({ key, windowMs }) => {
        const [opened] = await open('openWindow', [hashOf(key.id), key.id, key.namespace, windowMs, ...leaseRowOf(key)])
        return opened?.generation
      },
      all: async () => {
        // Who asks for a key twice gets the one window twice.
        const once = [...new Map(windows.map((window) => [window.key.id, window])).values()]
        const leases = once.map(({ key }) => leaseRowOf(key))
        const opened = await open('openWindowMany', [
          once.map(({ key }) => hashOf(key.id)),
          once.map(({ key }) => key.id),
          once.map(({ key }) => key.namespace),
          once.map(({ windowMs }) => windowMs),
          leases.map(([hash]) => hash),
          leases.map(([, key]) => key),
        ])
        const generations = new Map(opened.map(({ key, generation }) => [key, generation]))
        return windows.map(({ key }) => generations.get(key.id))
      },
    })
  }

  #fillMany(fills: readonly KeyedFill[]): Promise<readonly PromiseSettledResult<FillOutcome>[]> {
    return together(fills, {
      alone: async ({ key, entry, seen }) => {
        const { rowCount } = await this.#query('fill', [hashOf(key.id), key.id, entry.payload, entry.ttlMs, seen])
        return rowCount === 1 ? 'stored' : 'superseded'
      },
      all: async () => {
        // Of several for one key the last is as good as any: they began with the same generation, or are superseded.
        const once = [...new Map(fills.map((fill) => [fill.key.id, fill])).values()]
        const { rows } = await this.#query('fillMany', [
          once.map(({ key }) => hashOf(key.id)),
          once.map(({ key }) => key.id),
          once.map(({ entry }) => entry.payload),
          once.map(({ entry }) => entry.ttlMs),
          once.map(({ seen }) => seen),
        ])
        const filled = new Set((rows as readonly { readonly key: string }[]).map(({ key }) => key))
        const kept = new Set(once.filter(({ key }) => filled.has(key.id)))
        return fills.map((fill) => (kept.has(fill) ? 'stored' : 'superseded'))
      },
    })
  }

  #deleteMany(keys: readonly TierKey[]): Promise<readonly PromiseSettledResult<boolean>[]> {
    return together(keys, {
      alone: async (key) => {
        const { rows } = await this.#query('delete', [hashOf(key.id), key.id])
        return (rows[0] as { readonly existed: boolean } | undefined)?.existed ?? false
      },
      all: async () => {
        const { rows } = await this.#query('deleteMany', [keys.map(({ id }) => hashOf(id)), keys.map(({ id }) => id)])
        const existed = new Set(
          (rows as { readonly key: string; readonly existed: boolean }[]).filter((row) => row.existed).map((row) => row.key),
        )
        return keys.map(({ id }) => existed.has(id))
      },
    })
  }
}

interface Opened {
  readonly key: string
  readonly generation: Generation
}

interface Ways<Item, Result> {
  readonly alone: (item: Item) => Promise<Result>
  readonly all: () => Promise<readonly Result[]>
}

async function together<Item, Result>(
  items: readonly Item[],
  { alone, all }: Ways<Item, Result>,
): Promise<readonly PromiseSettledResult<Result>[]> {
  if (items.length === 1) return Promise.allSettled(items.map(alone))
  try {
    return (await all()).map((value) => ({ status: 'fulfilled', value }))
  } catch (thrown) {
    if (!isTierRejection(thrown)) throw thrown
    return Promise.allSettled(items.map(alone))
  }
}

export function toRead(row: Row | undefined): TierRead {
  if (row === undefined) return { entry: undefined, generation: undefined }
  const entry = row.payload === null ? undefined : { payload: row.payload, remainingMs: row.remaining_ms }
  return { entry, generation: row.generation as Generation }
}
