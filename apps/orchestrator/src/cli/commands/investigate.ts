import { resolve } from 'node:path'
import { findSuperiorOrgans, SUPERIOR_ORGANS } from '@cidadao/procurement'
import { inspectSource } from '../../agents/inspect-source.ts'
import type { House } from '../../compose.ts'
import { understandQuestion } from '../../plan/question.ts'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { InterruptedError } from '../errors.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { toDocument, type InvestigationDocument } from '../output/investigation-document.ts'
import { openOutFile, type OutFile } from '../output/out-file.ts'
import { showProgress } from '../output/progress.ts'
import { renderInvestigation } from '../output/render-investigation.ts'

export interface InvestigateOptions extends OutputOptions {
  readonly source: string
  readonly out?: string
}

export interface InvestigationCall extends InvestigateOptions {
  readonly query: string
  /** Said above the result, for readers who have nothing else. */
  readonly notice?: string
  /** What to say after the result: a text for people, and parts for the JSON document. */
  readonly closing?: (document: InvestigationDocument) => Closing
}

export interface Closing {
  readonly text: string
  readonly parts: Readonly<Record<string, unknown>>
}

/** `cidadao investigate`: runs one investigation to its end and shows the result. */
export function investigate(query: string, options: InvestigateOptions, context: CommandContext): Promise<ExitCode> {
  return carryOut({ query, ...options, source: resolve(options.source) }, context)
}

/** What cannot work is refused before anything is started: wrong calls are answered at once, and leave nothing behind. */
export async function carryOut(call: InvestigationCall, context: CommandContext): Promise<ExitCode> {
  understandQuestion(call.query, { find: findSuperiorOrgans, all: SUPERIOR_ORGANS })
  await inspectSource(call.source)
  const out = call.out === undefined ? undefined : await openOutFile(call.out)
  try {
    // The rest of the system is loaded only for what can work.
    const { withHouse } = await import('../with-house.ts')
    const document = await withHouse(context, (house) => runToTheEnd(house, call, context))
    await present(document, { call, out }, context)
    return document.investigation.status === 'completed' ? EXIT_CODES.success : EXIT_CODES.failure
  } finally {
    await out?.discard()
  }
}

async function runToTheEnd(house: House, { query, source }: InvestigationCall, context: CommandContext): Promise<InvestigationDocument> {
  const { terminal, signal } = context
  warnOfRedis(house, context)
  const stopProgress = showProgress(house.engine.events, terminal)
  try {
    const { id } = await house.orchestrator.submit({ query, source })
    await settledOrCancelled(house, id, signal)
    return await toDocument(house, await house.orchestrator.get(id))
  } finally {
    stopProgress()
  }
}

/** Ctrl-C cancels: the end that the investigation then has is stored before the process ends. */
async function settledOrCancelled({ engine }: House, id: string, signal: AbortSignal): Promise<void> {
  const cancelFailed = Promise.withResolvers<never>()
  const cancel = (): void => void engine.cancel(id).catch(cancelFailed.reject)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    if (signal.aborted) cancel()
    await Promise.race([engine.settled(id), cancelFailed.promise])
  } finally {
    signal.removeEventListener('abort', cancel)
    cancelFailed.promise.catch(() => {})
  }
}

async function present(
  document: InvestigationDocument,
  { call, out }: { readonly call: InvestigationCall; readonly out: OutFile | undefined },
  context: CommandContext,
): Promise<void> {
  const { terminal, texts, signal } = context
  if (signal.aborted && document.investigation.status === 'cancelled')
    throw new InterruptedError(texts.cancelled(document.investigation.id))
  const closing = call.closing?.(document)
  const json = JSON.stringify({ ...document, ...closing?.parts }, null, 2)
  if (out !== undefined && call.out !== undefined) {
    await out.write(`${json}\n`)
    terminal.err(texts.savedTo(call.out))
  }
  const notice = call.notice === undefined ? '' : `${terminal.style('yellow', call.notice)}\n`
  terminal.out(
    call.json === true ? json : `${notice}${renderInvestigation(document, context)}${closing === undefined ? '' : `\n\n${closing.text}`}`,
  )
}

function warnOfRedis({ redis }: House, { terminal, texts }: CommandContext): void {
  const status = redis?.status()
  if (status !== undefined && 'cause' in status) terminal.err(texts.redisUnreachable(status.cause.message))
}
