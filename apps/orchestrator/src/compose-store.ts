import type { Config } from '@cidadao/config'
import { serviceGroup, systemClock, type Service } from '@cidadao/contracts'
import { createDatabase, createEmbeddedPostgres, type Database, type DatabaseOptions } from '@cidadao/db'
import { createTelemetry, type Telemetry } from '@cidadao/monitoring'
import { telemetryOptions } from './telemetry/telemetry-options.ts'
import { Tracing } from './telemetry/tracing.ts'
import { toDatabaseOptions, toProbeOptions } from './wiring/config-to-options.ts'
import { traceExports } from './wiring/trace-exports.ts'

/** Telemetry and the database: enough for commands that only look. */
export interface Store extends Service {
  readonly config: Config
  readonly telemetry: Telemetry
  readonly tracing: Tracing
  readonly db: Database
  /** Over a connection of its own, for health; not started with the rest. */
  readonly probe: Database
}

export interface ComposeOptions {
  readonly version: string
  readonly revision: string
}

/** The database alone, embedded where the configuration names none. */
export function composeStore(config: Config, build: ComposeOptions, overrides: Partial<Pick<DatabaseOptions, 'migrations'>> = {}): Store {
  const tracing = new Tracing({ config: config.tracing, version: build.version })
  const telemetry = createTelemetry({ build, clock: systemClock, ...telemetryOptions(config, tracing) })
  traceExports(tracing, telemetry)
  const { logger } = telemetry
  const embedded = config.db.url === undefined ? createEmbeddedPostgres({ dataDir: config.db.dataDir, logger }) : undefined
  const db = createDatabase({ ...toDatabaseOptions(config, () => embedded?.url), ...overrides, logger, clock: systemClock })
  const probe = createDatabase({ ...toProbeOptions(config, () => embedded?.url), logger, clock: systemClock })
  const members = [telemetry, tracing, embedded, db].filter((member) => member !== undefined)
  return { ...serviceGroup(members, 'store'), config, telemetry, tracing, db, probe }
}
