import type { InvestigationView } from '../../api/api-ports.ts'
import { listInvestigations, readInvestigation } from '../../investigation-views.ts'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { toDocument } from '../output/investigation-document.ts'
import { renderInvestigation } from '../output/render-investigation.ts'
import { printable } from '../output/terminal.ts'
import { withStore } from '../with-store.ts'

/** `cidadao list`: the newest investigations, a line each. */
export function list(options: OutputOptions & { readonly limit: number }, context: CommandContext): Promise<ExitCode> {
  return withStore(context, async ({ db }) => {
    const { items, next } = await listInvestigations(db, { limit: options.limit })
    const { terminal, texts } = context
    if (options.json === true) terminal.out(JSON.stringify(items, null, 2))
    else terminal.out(items.length === 0 ? texts.nothingYet : [texts.listHeader, ...items].map(toLine).join('\n'))
    if (next !== null) terminal.err(texts.moreToList(options.limit))
    return EXIT_CODES.success
  })
}

/** `cidadao show ID`: one investigation with its findings. */
export function show(id: string, options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  return withStore(context, async (store) => {
    const document = await toDocument(store, await readInvestigation(store.db, id))
    context.terminal.out(options.json === true ? JSON.stringify(document, null, 2) : renderInvestigation(document, context))
    return EXIT_CODES.success
  })
}

const WIDTHS = { id: 36, status: 10, createdAt: 19, anomaliesFound: 8, query: 80 } as const
type ListedFields = Pick<InvestigationView, 'id' | 'query'> &
  Readonly<Record<'status' | 'createdAt', string>> & { readonly anomaliesFound: number | string }

function toLine({ id, status, createdAt, anomaliesFound, query }: ListedFields): string {
  return [
    id.padEnd(WIDTHS.id),
    status.padEnd(WIDTHS.status),
    createdAt.slice(0, WIDTHS.createdAt).replace('T', ' ').padEnd(WIDTHS.createdAt),
    String(anomaliesFound).padStart(WIDTHS.anomaliesFound),
    printable(query).slice(0, WIDTHS.query),
  ].join('  ')
}
