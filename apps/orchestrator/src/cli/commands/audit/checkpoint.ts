import { CheckpointStore, createCheckpointer, type CheckpointOutcome, type CheckpointerStats } from '@cidadao/db'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { writeOutFile } from '../../output/out-file.ts'
import { withAudit, type AuditWork } from './audit-work.ts'

export interface AuditCheckpointOptions extends OutputOptions {
  readonly out?: string
}

/** `cidadao audit checkpoint`: signs the log as it is now and puts that to every anchor. Exit code 1 where one lacks it. */
export function auditCheckpoint(options: AuditCheckpointOptions, context: CommandContext): Promise<ExitCode> {
  return withAudit({}, context, async (audit) => {
    const { terminal, signal } = context
    const { outcome, stats } = await signNow(audit, signal)
    const newest = await new CheckpointStore().newest(audit.db.sql)
    const { signed, unanchoredEntries, anchors } = stats
    if (options.json === true) {
      terminal.out(
        JSON.stringify({ origin: audit.db.audit.origin, outcome, signed, unanchoredEntries, anchors, note: newest?.note }, null, 2),
      )
    } else {
      terminal.out([audit.texts.checkpoint(outcome, signed?.size ?? 0), ...renderAnchors(stats, audit, context)].join('\n'))
    }
    if (options.out !== undefined && newest !== undefined) await writeOutFile(newest.note, options.out, context)
    return anchors.every(({ size }) => size >= (signed?.size ?? 0)) ? EXIT_CODES.success : EXIT_CODES.failure
  })
}

/** @throws UsageError where there is no key, AuditHistoryError where the log does not continue what was signed. */
async function signNow(
  { store, db, keys, anchors }: AuditWork,
  signal: AbortSignal,
): Promise<{ readonly outcome: CheckpointOutcome; readonly stats: CheckpointerStats }> {
  if (keys.signer === undefined) {
    throw new UsageError(
      'there is no key to sign with; set CIDADAO_AUDIT_KEY or CIDADAO_AUDIT_KEY_FILE, "cidadao audit key --new" makes one',
    )
  }
  const { formerKeys } = store.config.audit
  const checkpointer = createCheckpointer({ sql: db.sql, origin: db.audit.origin, signers: [keys.signer], formerKeys, anchors })
  const outcome = await checkpointer.runOnce(signal)
  return { outcome, stats: checkpointer.stats() }
}

function renderAnchors({ anchors, signed }: CheckpointerStats, { texts }: AuditWork, { terminal }: CommandContext): readonly string[] {
  return anchors.map(({ name, size, code }) => {
    const isBehind = size < (signed?.size ?? 0)
    const mark = isBehind ? terminal.style('red', '✗') : terminal.style('green', '✓')
    return `  ${mark} ${texts.anchor(name, size, code)}`
  })
}
