import { AuditProver, CheckpointStore, storedCheckpoints, type CheckpointSource } from '@cidadao/db'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { writeOutFile } from '../../output/out-file.ts'
import { requireKeys, withAudit, type AuditWork, type KeyOptions } from './audit-work.ts'

export interface AuditProofOptions extends OutputOptions, KeyOptions {
  readonly out?: string
}

/** `cidadao audit prove ID`: one file that proves one entry to whoever has the log's public key. */
export function auditProve(id: string, options: AuditProofOptions, context: CommandContext): Promise<ExitCode> {
  return withAudit(options, context, async (audit) => {
    const proof = await proverOf(audit, storedCheckpoints(audit.db.sql)).prove(audit.db.sql, id)
    const { seq, size, text } = proof
    await give({ text, facts: { ...proof }, said: audit.texts.proved(seq, size) }, options, context)
    return EXIT_CODES.success
  })
}

/** `cidadao audit consistency M [N]`: proof that the log of N entries goes on from that of M, with nothing of it changed. */
export function auditConsistency(
  sizes: { readonly older: number; readonly newer: number | undefined },
  options: AuditProofOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { older, newer } = sizes
  if (newer !== undefined && newer < older) {
    throw new UsageError(`the newer size must be at least the older one, which is ${older}, got ${newer}; give the smaller number first`)
  }
  return withAudit(options, context, async (audit) => {
    const { sql } = audit.db
    const source = newer === undefined ? storedCheckpoints(sql) : checkpointOf(audit, newer)
    const proof = await proverOf(audit, source).consistency(sql, older)
    const { oldSize, newSize, text } = proof
    await give({ text, facts: { ...proof }, said: audit.texts.consistent(oldSize, newSize) }, options, context)
    return EXIT_CODES.success
  })
}

function proverOf(audit: AuditWork, checkpoints: CheckpointSource): AuditProver {
  return new AuditProver({ origin: audit.db.audit.origin, vkeys: requireKeys(audit), checkpoints })
}

/** Only what was signed can be proved; the next larger one that was is named. */
function checkpointOf({ db }: AuditWork, size: number): CheckpointSource {
  return async () => {
    const found = await new CheckpointStore().covering(db.sql, size)
    if (found?.size === size) return found.note
    const instead =
      found === undefined ? 'leave the newer size out, or run "cidadao audit checkpoint"' : `the next larger one has ${found.size}`
    throw new UsageError(`no checkpoint of exactly ${size} entries was signed; ${instead}`)
  }
}

interface Gift {
  readonly text: string
  readonly facts: Readonly<Record<string, unknown>>
  /** For people, on the error stream: the output is the proof. */
  readonly said: string
}

async function give({ text, facts, said }: Gift, options: AuditProofOptions, context: CommandContext): Promise<void> {
  const { terminal } = context
  terminal.err(said)
  if (options.out !== undefined) await writeOutFile(text, options.out, context)
  if (options.json === true) terminal.out(JSON.stringify(facts, null, 2))
  // Byte for byte: the terminal adds the line feed that is cut off here.
  else if (options.out === undefined) terminal.out(text.replace(/\n$/, ''))
}
