import type { AuditActor, AuditRecord } from '@cidadao/db'
import { InvestigationNotFoundError } from '../../../errors.ts'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { printable } from '../../output/terminal.ts'
import { withStore } from '../../with-store.ts'

const PAGE = 10_000

/** `cidadao audit entries ID`: what the log has of one investigation, also of one that was erased. */
export function auditEntries(id: string, options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  return withStore(context, async ({ db }) => {
    const entries: AuditRecord[] = []
    for (let page = [...(await db.audit.entriesOf(db.sql, id, { limit: PAGE }))]; page.length > 0;) {
      entries.push(...page)
      page = page.length < PAGE ? [] : [...(await db.audit.entriesOf(db.sql, id, { limit: PAGE, after: entries.at(-1)?.seq ?? 0 }))]
    }
    if (entries.length === 0) throw new InvestigationNotFoundError(id)
    context.terminal.out(options.json === true ? JSON.stringify(entries, null, 2) : entries.map(toLine).join('\n'))
    return EXIT_CODES.success
  })
}

const SEQ_WIDTH = 8
const ACTION_WIDTH = 28

function toLine({ seq, id, ts, actor, action }: AuditRecord): string {
  return [String(seq).padStart(SEQ_WIDTH), ts, id, action.padEnd(ACTION_WIDTH), printable(nameOf(actor))].join('  ')
}

function nameOf(actor: AuditActor): string {
  switch (actor.kind) {
    case 'agent':
      return actor.name
    case 'human':
      return `human:${actor.id}`
    case 'system':
      return actor.component === undefined ? 'system' : `system:${actor.component}`
  }
}
