import type { AuditPosition, AuditVerification } from '@cidadao/db'
import { z } from 'zod'
import { askAnchors, newestOf, sizeOf } from '../../../audit/newest-anchored.ts'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { printable } from '../../output/terminal.ts'
import { readGivenFile, requireKeys, withAudit, type AuditWork, type KeyOptions } from './audit-work.ts'

export interface AuditVerifyCommandOptions extends OutputOptions, KeyOptions {
  readonly checkpoint?: string
  readonly from?: string
}

/** The checkpoint that the log is held against. */
interface Against {
  /** Who gave it; null for the file that the caller named. */
  readonly anchor: string | null
  readonly size: number
  readonly note: string
}

/**
 * `cidadao audit verify`: recomputes the log and holds it against a checkpoint from outside the database, the given one
 * or the newest that the anchors have. Exit code 1 when it does not hold.
 */
export function auditVerify(options: AuditVerifyCommandOptions, context: CommandContext): Promise<ExitCode> {
  return withAudit(options, context, async (audit) => {
    const { db, keys } = audit
    const { terminal, signal } = context
    const from = options.from === undefined ? undefined : readPosition(options.from, await readGivenFile('--from', options.from))
    const against = await chooseCheckpoint(audit, options, { ...context, after: from?.seq ?? 0 })
    const verdict = await db.audit.verify(db.sql, {
      onProgress: ({ checked, total }) => terminal.status(`${checked}/${total}`),
      signal,
      ...(keys.vkeys.length > 0 && { vkey: keys.vkeys }),
      ...(from !== undefined && { from }),
      ...(against !== undefined && { checkpoint: against.note }),
    })
    terminal.status('')
    const compared = against === undefined ? null : { anchor: against.anchor, size: against.size }
    if (options.json === true) terminal.out(JSON.stringify({ origin: db.audit.origin, ...verdict, against: compared }, null, 2))
    else terminal.out(render(verdict, compared, { audit, context }).join('\n'))
    return verdict.ok ? EXIT_CODES.success : EXIT_CODES.failure
  })
}

async function chooseCheckpoint(
  audit: AuditWork,
  options: AuditVerifyCommandOptions,
  { terminal, signal, after }: CommandContext & { readonly after: number },
): Promise<Against | undefined> {
  if (options.checkpoint !== undefined) {
    const note = await readGivenFile('--checkpoint', options.checkpoint)
    // Whether its signature is good is for the verification to say: a bad one is a finding, not a wrong call.
    return { anchor: null, size: sizeOf(note, requireKeys(audit)) ?? 0, note }
  }
  if (audit.keys.vkeys.length === 0) return undefined
  const answers = await askAnchors(audit.anchors, audit.keys.vkeys, signal)
  for (const answer of answers) {
    if (answer.outcome === 'failed') terminal.err(audit.texts.anchorFailed(answer.anchor, printable(answer.reason)))
  }
  const newest = newestOf(answers)
  // One that covers no more than was verified already was compared then.
  return newest !== undefined && newest.size >= after ? newest : undefined
}

function render(
  verdict: AuditVerification,
  against: Pick<Against, 'anchor' | 'size'> | null,
  { audit, context }: { readonly audit: AuditWork; readonly context: CommandContext },
): readonly string[] {
  const { terminal, texts } = context
  const { origin } = audit.db.audit
  if (!verdict.ok) {
    const fault = texts.auditBroken(verdict.kind, verdict.firstBadSeq)
    return [`${terminal.style('red', '✗')} ${origin}: ${fault}: ${verdict.detail}`]
  }
  const { checked, anchoredTo, unanchored, prunedTo } = verdict
  return [
    `${terminal.style('green', '✓')} ${origin}: ${texts.audit(checked, true)}`,
    ...(prunedTo > 0 ? [`  ${audit.texts.pruned(prunedTo)}`] : []),
    ...(anchoredTo > 0 ? [`  ${renderAnchored(anchoredTo, against, audit)}`] : []),
    ...(unanchored > 0 ? [`  ${audit.texts.unanchored(unanchored)}`] : []),
  ]
}

function renderAnchored(entries: number, against: Pick<Against, 'anchor'> | null, { texts }: AuditWork): string {
  if (against === null) return texts.anchoredBefore(entries)
  return against.anchor === null ? texts.anchoredByFile(entries) : texts.anchoredBy(entries, against.anchor)
}

const HASH = z.string().regex(/^[0-9a-f]{64}$/)
const COUNT = z.number().int().min(0)
const verified = z.object({
  position: z.object({ seq: COUNT, hashChain: HASH, frontier: z.array(HASH), anchoredTo: COUNT }),
})

/** @throws UsageError */
function readPosition(path: string, text: string): AuditPosition {
  try {
    return verified.parse(JSON.parse(text)).position
  } catch (error) {
    throw new UsageError(`--from: ${path} is not what "cidadao audit verify --json" printed for a log that holds; give such a file`, {
      cause: error,
    })
  }
}
