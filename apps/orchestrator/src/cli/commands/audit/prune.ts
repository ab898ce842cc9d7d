import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { askAnchors, newestOf } from '../../../audit/newest-anchored.ts'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { readGivenFile, requireKeys, withAudit, type AuditWork, type KeyOptions } from './audit-work.ts'

export interface AuditPruneCommandOptions extends OutputOptions, KeyOptions {
  readonly archive: string
  readonly checkpoint?: string
}

/** `cidadao audit prune`: removes the oldest entries, which are all in an export and signed for. */
export function auditPrune(options: AuditPruneCommandOptions, context: CommandContext): Promise<ExitCode> {
  return withAudit(options, context, async (audit) => {
    const { db, texts } = audit
    const { terminal, signal } = context
    const to = await lastEntryOf(options.archive)
    const pruning = await db.audit.prune(db.sql, {
      to,
      checkpoint: await checkpointOf(audit, { to, given: options.checkpoint, signal }),
      vkeys: requireKeys(audit),
      archive: createReadStream(options.archive),
      actor: { kind: 'system', component: 'cli' },
      signal,
    })
    terminal.out(options.json === true ? JSON.stringify(pruning, null, 2) : texts.prunedNow(pruning.removed, pruning.prunedTo))
    return EXIT_CODES.success
  })
}

async function checkpointOf(
  audit: AuditWork,
  { to, given, signal }: { readonly to: number; readonly given: string | undefined; readonly signal: AbortSignal },
): Promise<string> {
  if (given !== undefined) return readGivenFile('--checkpoint', given)
  const newest = newestOf(await askAnchors(audit.anchors, requireKeys(audit), signal))
  if (newest?.size === to) return newest.note
  const held = newest === undefined ? 'no anchor holds one' : `the newest that an anchor holds is of ${newest.size}`
  throw new UsageError(`pruning takes a checkpoint of exactly the ${to} entries of the archive, and ${held}; name it with --checkpoint`)
}

const header = z.object({ to: z.number().int().min(0) })

/** @throws UsageError */
async function lastEntryOf(archive: string): Promise<number> {
  try {
    const lines = createInterface({ input: createReadStream(archive), crlfDelay: Infinity })
    for await (const line of lines) return header.parse(JSON.parse(line)).to
  } catch (error) {
    throw new UsageError(`--archive: ${archive} is no export of the log; name a file that "cidadao audit export" wrote`, { cause: error })
  }
  throw new UsageError(`--archive: ${archive} is empty; name a file that "cidadao audit export" wrote`)
}
