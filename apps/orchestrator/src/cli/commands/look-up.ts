import type { InvestigationView } from '../../api/api-ports.ts'
import { listInvestigations, readInvestigation } from '../../investigation-views.ts'
import { withStore, type CommandContext } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { toDocument } from '../investigation-document.ts'
import { renderInvestigation } from '../render-investigation.ts'

export interface OutputOptions {
  readonly json?: boolean
}

/** `cidadao list`: the newest investigations, a line each. */
export function list(options: OutputOptions & { readonly limit: number }, context: CommandContext): Promise<ExitCode> {
  return withStore(context, async ({ db }) => {
    const { items } = await listInvestigations(db, { limit: options.limit })
    const { terminal, texts } = context
    if (options.json === true) terminal.out(JSON.stringify(items, null, 2))
    else terminal.out(items.length === 0 ? texts.nothingYet : items.map(toLine).join('\n'))
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

function toLine({ id, status, createdAt, anomaliesFound, query }: InvestigationView): string {
  return [id, status.padEnd(10), createdAt.slice(0, 19).replace('T', ' '), String(anomaliesFound).padStart(4), query.slice(0, 80)].join(
    '  ',
  )
}
