import type { Clock, Logger, Service } from '@cidadao/contracts'
import type { Investigations } from '@cidadao/db'
import { repeat } from './repeat.ts'

export interface InvestigationRetentionOptions {
  readonly investigations: Pick<Investigations, 'eraseExpired'>
  /** Age at which one that has ended is erased. */
  readonly days: number
  readonly clock: Clock
  readonly logger: Logger
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Erases investigations that are older than they may be kept, each hour. Several processes may: they share the work. */
export function investigationRetention({ investigations, days, clock, logger }: InvestigationRetentionOptions): Service {
  return repeat({
    name: 'investigation-retention',
    everyMs: HOUR_MS,
    clock,
    run: async (signal) => {
      let more = true
      while (more) {
        const report = await investigations.eraseExpired({ olderThanMs: days * DAY_MS, signal })
        more = report.more
        if (report.erased > 0)
          logger.info('investigations were erased, since they are older than they are kept', { erased: report.erased, days })
      }
    },
    onFailed: (error) => logger.warn('old investigations were not erased', { error }),
  })
}
