import type { Config } from '@cidadao/config'
import { serviceGroup, systemClock, type Service } from '@cidadao/contracts'
import { createDatabase, createEmbeddedPostgres, type Database, type DatabaseOptions } from '@cidadao/db'
import { createTelemetry, type Telemetry } from '@cidadao/monitoring'
import { toDatabaseOptions } from './wiring/config-to-options.ts'
import { READINESS_CHECKS } from './wiring/readiness-checks.ts'

/** Telemetry and the database: enough for commands that only look. */
export interface Store extends Service {
  readonly config: Config
  readonly telemetry: Telemetry
  readonly db: Database
}

export interface ComposeOptions {
  readonly version: string
  readonly revision: string
}

/** The database alone, embedded where the configuration names none. */
export function composeStore(config: Config, build: ComposeOptions, overrides: Partial<Pick<DatabaseOptions, 'migrations'>> = {}): Store {
  const telemetry = createTelemetry({
    build,
    clock: systemClock,
    logger: { level: config.log.level, format: config.log.format },
    health: { intervalMs: config.monitoring.sampleIntervalMs, startup: ['postgresql'], readiness: READINESS_CHECKS },
  })
  const { logger } = telemetry
  const embedded = config.db.url === undefined ? createEmbeddedPostgres({ dataDir: config.db.dataDir, logger }) : undefined
  const db = createDatabase({ ...toDatabaseOptions(config, () => embedded?.url), ...overrides, logger, clock: systemClock })
  const members = [telemetry, embedded, db].filter((member) => member !== undefined)
  return { ...serviceGroup(members, 'store'), config, telemetry, db }
}
