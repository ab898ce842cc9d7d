import type { Config } from '@cidadao/config'
import { defineService, type Clock, type Logger, type Service } from '@cidadao/contracts'
import {
  createAuditWatch,
  createCheckpointer,
  type AuditWatch,
  type AuditWatchStats,
  type Checkpointer,
  type CheckpointerStats,
  type Database,
} from '@cidadao/db'
import { auditAnchorsOf } from './audit-anchors.ts'
import { loadAuditKeys, type AuditKeys } from './audit-keys.ts'

export interface AuditTrustOptions {
  readonly db: Pick<Database, 'sql' | 'audit'>
  readonly config: Pick<Config, 'audit' | 'db'>
  readonly logger: Logger
  readonly clock: Clock
  /** Told at each start, before anything runs; a start makes new ones. */
  readonly onOpened: (opened: OpenedAuditTrust) => void
}

export interface OpenedAuditTrust {
  /** Absent where there is no key to sign with. */
  readonly checkpointer: Checkpointer | undefined
  readonly watch: AuditWatch
}

export interface AuditTrustStats {
  /** Null before the start, and where there is no key to sign with. */
  readonly checkpoints: CheckpointerStats | null
  readonly verifications: AuditWatchStats | null
}

/**
 * What makes the log believable from outside: checkpoints, put where the database's owner cannot reach, and the
 * scheduled verification against them. The key is read at the start, so a key that is unusable is a start that fails.
 * It stops after everything that writes to the log, with a last checkpoint.
 */
export class AuditTrust implements Service {
  readonly name = 'audit-trust'
  readonly #options: AuditTrustOptions
  readonly #lifecycle: Service
  #opened: OpenedAuditTrust | undefined

  constructor(options: AuditTrustOptions) {
    this.#options = options
    this.#lifecycle = defineService({ name: this.name, start: (signal) => this.#begin(signal), stop: () => this.#end() })
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  stats(): AuditTrustStats {
    return { checkpoints: this.#opened?.checkpointer?.stats() ?? null, verifications: this.#opened?.watch.stats() ?? null }
  }

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    const opened = this.#build(await loadAuditKeys(this.#options.config))
    this.#opened = opened
    this.#options.onOpened(opened)
    await opened.checkpointer?.start(signal)
    await opened.watch.start(signal)
  }

  #build({ signer, vkeys }: AuditKeys): OpenedAuditTrust {
    const { config, db, logger, clock } = this.#options
    const { origin, formerKeys, checkpointIntervalMs, checkpointEntries, verifyIntervalMs, fullVerifyHourUtc } = config.audit
    const anchors = signer === undefined ? [] : auditAnchorsOf(config)
    const parts = { sql: db.sql, anchors, logger, clock }
    const checkpointer =
      signer === undefined
        ? undefined
        : createCheckpointer({
            ...parts,
            origin,
            signers: [signer],
            formerKeys,
            intervalMs: checkpointIntervalMs,
            maxEntries: checkpointEntries,
            pollIntervalMs: Math.min(POLL_INTERVAL_MS, checkpointIntervalMs),
          })
    const watch = createAuditWatch({ ...parts, log: db.audit, vkeys, intervalMs: verifyIntervalMs, fullAtHourUtc: fullVerifyHourUtc })
    return { checkpointer, watch }
  }

  async #end(): Promise<void> {
    await this.#opened?.watch.stop()
    await this.#opened?.checkpointer?.stop()
  }
}

const POLL_INTERVAL_MS = 5_000
