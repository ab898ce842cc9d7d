import type { SqlExecutor } from '../../sql-executor.ts'
import { CheckpointStore } from '../checkpoints/checkpoint-store.ts'
import { readTrusted, trustKeys } from '../checkpoints/trusted-checkpoint.ts'
import { AuditCheckpointMissingError, AuditFormatError } from '../audit-errors.ts'
import type { Checkpoint } from '../transparency/checkpoint.ts'

/** Gives the newest signed checkpoint that covers `atLeast` entries, verbatim; undefined where there is none yet. */
export type CheckpointSource = (atLeast: number) => Promise<string | undefined>

export interface SignedCheckpoint extends Checkpoint {
  readonly note: string
}

/** The checkpoints that the database keeps. They are checked against the log's keys by whoever uses them. */
export function storedCheckpoints(sql: SqlExecutor): CheckpointSource {
  const store = new CheckpointStore()
  return async (atLeast) => (await store.newest(sql, atLeast))?.note
}

/** Reads a note that has to be by the log itself. Throws `AuditFormatError` where none of the keys signed it. */
export function openCheckpoint(note: string, origin: string, vkeys: readonly string[]): SignedCheckpoint {
  const verdict = readTrusted(note, trustKeys(origin, vkeys))
  if (verdict.outcome === 'trusted') return { ...verdict.checkpoint, note }
  throw new AuditFormatError(`checkpoint: ${verdict.reason}`, { facts: { format: 'checkpoint', rule: verdict.reason } })
}

export function noCheckpoint(atLeast: number): AuditCheckpointMissingError {
  return new AuditCheckpointMissingError(`no signed checkpoint covers entry ${atLeast} yet: make a checkpoint, then ask again`, {
    facts: { atLeast },
  })
}
