import { systemClock, type Clock } from '@cidadao/contracts'
import type { Database } from '@cidadao/db'
import type { HealthContributor } from '@cidadao/monitoring'

/** So long without anybody getting or giving back a connection is no queue any more, it is a standstill. */
const STANDSTILL_MS = 5_000

/** Whether those who wait for a connection get one. While they do not, no more work should come here. */
export function databasePool(db: Pick<Database, 'events' | 'stats'>, timeoutMs: number, clock: Clock = systemClock): HealthContributor {
  let movedMs = clock.monotonicMs()
  const moved = (): void => {
    movedMs = clock.monotonicMs()
  }
  db.events.on('acquire', moved)
  db.events.on('release', moved)
  return {
    name: 'database-pool',
    critical: false,
    timeoutMs,
    check: () => {
      const { waiting } = db.stats()
      const observed = { observedValue: waiting, observedUnit: 'callers' }
      if (waiting === 0) return { status: 'pass', ...observed }
      const still = clock.monotonicMs() - movedMs > STANDSTILL_MS
      return still ? { status: 'fail', ...observed, code: 'DB_POOL_BLOCKED' } : { status: 'warn', ...observed, code: 'DB_POOL_BUSY' }
    },
  }
}
