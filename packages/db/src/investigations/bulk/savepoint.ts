import { isBroken } from '../../pool/connection-pool.ts'
import type { UnitOfWork } from '../../transactions/unit-of-work.ts'

/** Whether a store opens transactions of its own, or belongs to one that its caller opened. */
export const STORE_SCOPES = ['own-transactions', 'one-transaction'] as const
export type StoreScope = (typeof STORE_SCOPES)[number]

/** Keeps a failure from spoiling the transaction that belongs to the caller; where it is ours there is nothing to keep. */
export async function inSavepoint<T>(scope: StoreScope, unit: UnitOfWork, work: () => Promise<T>): Promise<T> {
  if (scope === 'own-transactions') return work()
  await unit.sql.query('SAVEPOINT investigations_save_many')
  try {
    const result = await work()
    await unit.sql.query('RELEASE SAVEPOINT investigations_save_many')
    return result
  } catch (error) {
    // With the connection the whole transaction is gone.
    if (!isBroken(error)) await unit.sql.query('ROLLBACK TO SAVEPOINT investigations_save_many')
    throw error
  }
}
