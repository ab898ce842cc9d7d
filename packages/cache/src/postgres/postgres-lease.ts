import type { TierKey } from '../key.ts'
import type { LeaseAnswer, LeaseRequest, TierLease } from '../tiers/tier.ts'
import type { QueryPostgres } from './postgres-tier.ts'
import { hashOf } from './statements.ts'

/** Leases as rows of the tier's own table; what has run out is free, and is swept like any other row. */
export class PostgresLease implements TierLease {
  readonly outlastsFill = true
  readonly #query: QueryPostgres

  constructor(query: QueryPostgres) {
    this.#query = query
  }

  async acquire(key: TierKey, { token, leaseMs }: LeaseRequest): Promise<LeaseAnswer> {
    const row = leaseRowOf(key)
    const { rowCount } = await this.#query('leaseTake', [...row, Buffer.from(token), leaseMs])
    if (rowCount === 1) return { outcome: 'granted' }
    const { rows } = await this.#query('leaseLeft', row)
    const left = rows[0] as { readonly remaining_ms: number } | undefined
    return { outcome: 'held', leftMs: Math.max(1, left?.remaining_ms ?? 1) }
  }

  async renew(key: TierKey, { token, leaseMs }: LeaseRequest): Promise<boolean> {
    return (await this.#query('leaseRenew', [...leaseRowOf(key), Buffer.from(token), leaseMs])).rowCount === 1
  }

  async release(key: TierKey, token: string): Promise<void> {
    await this.#query('leaseRelease', [...leaseRowOf(key), Buffer.from(token)])
  }
}

/** No entry's key begins like this: environments have no `#`. */
export function leaseRowOf(key: TierKey): [hash: string, key: string] {
  const id = `#lease/${key.id}`
  return [hashOf(id), id]
}
