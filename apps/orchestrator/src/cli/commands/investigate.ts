import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { House } from '../../compose.ts'
import { withHouse, type CommandContext } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { toDocument } from '../investigation-document.ts'
import { showProgress } from '../progress.ts'
import { renderInvestigation } from '../render-investigation.ts'

export interface InvestigateOptions {
  readonly source: string
  readonly json?: boolean
  readonly out?: string
}

/** Runs one investigation to its end and shows the result. */
export function investigate(query: string, options: InvestigateOptions, context: CommandContext): Promise<ExitCode> {
  return withHouse(context, (house) => investigateIn(house, { query, ...options }, context))
}

/** The same in a house that is already up. */
export async function investigateIn(
  house: House,
  request: InvestigateOptions & { readonly query: string },
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, texts, signal } = context
  warnOfRedis(house, context)
  const watching = house.engine.events.on('run-submitted', ({ id }) => stopProgress.push(showProgress(house.engine.events, id, terminal)))
  const stopProgress = [watching]
  try {
    const { id } = await house.orchestrator.submit({ query: request.query, source: resolve(request.source) })
    const onInterrupt = (): void => void house.engine.cancel(id)
    signal.addEventListener('abort', onInterrupt, { once: true })
    await house.engine.settled(id)
    const document = await toDocument(house, await house.orchestrator.get(id))
    const json = JSON.stringify(document, null, 2)
    if (request.out !== undefined) {
      await writeFile(request.out, `${json}\n`)
      terminal.err(texts.savedTo(request.out))
    }
    terminal.status('')
    terminal.out(request.json === true ? json : renderInvestigation(document, context))
    return document.investigation.status === 'completed' ? EXIT_CODES.success : EXIT_CODES.failure
  } finally {
    for (const stop of stopProgress) stop()
  }
}

function warnOfRedis({ redis }: House, { terminal, texts }: CommandContext): void {
  const status = redis?.status()
  if (status !== undefined && 'cause' in status) terminal.err(texts.redisUnreachable(status.cause.message))
}
