import type { Config } from '@cidadao/config'
import { serviceGroup, type Clock, type Service } from '@cidadao/contracts'
import { createMetricRecorder, createMetricRetention, type Database, type Investigations } from '@cidadao/db'
import type { Telemetry } from '@cidadao/monitoring'
import { historyRounds } from './history-rounds.ts'
import { investigationRetention } from './investigation-retention.ts'

interface Kept {
  readonly telemetry: Telemetry
  readonly db: Database
  readonly investigations: Investigations
  readonly clock: Clock
}

/** What keeps the database in order while the system runs: the history of measurements, and how long things are kept. */
export function upkeep(config: Config, { telemetry, db, investigations, clock }: Kept): Service {
  const { logger, metrics, catalogue } = telemetry
  const recorder = createMetricRecorder({ store: db.metrics, logger, clock })
  recorder.events.on('dropped', ({ samples, reason }) => catalogue.db.historyDropped.add(samples, { reason }))
  const { historyIntervalMs: everyMs } = config.monitoring
  const rounds = historyRounds({ investigations, metrics, catalogue, recorder, everyMs, clock, logger })
  const { investigationDays: days, metricDays: keepDays } = config.retention
  const metricRetention = createMetricRetention({ store: db.metrics, keepDays, logger, clock })
  const retention = days === undefined ? [] : [investigationRetention({ investigations, days, clock, logger })]
  return serviceGroup([recorder, rounds, metricRetention, ...retention], 'upkeep')
}
