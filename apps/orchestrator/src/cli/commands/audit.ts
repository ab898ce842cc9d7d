import type { CommandContext, OutputOptions } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { withStore } from '../with-house.ts'

/** `cidadao audit verify`: recomputes the whole log. Exit code 1 when it does not hold. */
export function auditVerify(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  return withStore(context, async ({ db }) => {
    const { terminal, texts } = context
    const onProgress = ({ checked, total }: { checked: number; total: number }): void => terminal.status(`${checked}/${total}`)
    const verdict = await db.audit.verify(db.sql, { onProgress, signal: context.signal })
    terminal.status('')
    const verdictLine = verdict.ok
      ? `${terminal.style('green', '✓')} ${db.audit.origin}: ${texts.audit(verdict.checked, true)}`
      : `${terminal.style('red', '✗')} ${db.audit.origin}: ${texts.auditBroken(verdict.kind, verdict.firstBadSeq)}: ${verdict.detail}`
    terminal.out(options.json === true ? JSON.stringify({ origin: db.audit.origin, ...verdict }, null, 2) : verdictLine)
    return verdict.ok ? EXIT_CODES.success : EXIT_CODES.failure
  })
}
