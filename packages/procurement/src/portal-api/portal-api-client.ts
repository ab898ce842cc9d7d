import type { ContractFacts } from '../contracts/contract.ts'
import { PortalUnavailableError, ProcurementOptionError } from '../errors.ts'
import { formatBrazilianDate, type CivilDate } from '../values/civil-date.ts'
import { parsePage } from './api-contract.ts'
import { resolvePortalApiOptions, type PortalApiOptions, type ResolvedPortalApiOptions } from './portal-api-options.ts'
import { requestPortal } from './portal-request.ts'
import { RequestPace } from './request-pace.ts'

export interface PortalQuestion {
  /** SIAFI code of the organ, as `36000`. */
  readonly organCode: string
  /** First and last day of signature. */
  readonly from: CivilDate
  readonly to: CivilDate
  readonly signal?: AbortSignal
}

export interface PortalApiClient {
  /** Streams the contracts of an organ, page by page, until a page is empty. Stopping early asks for no more pages. */
  contracts(question: PortalQuestion): AsyncGenerator<ContractFacts, void>
}

/** Asks the Portal's documented API. One client per key, since the rate limit belongs to the key. */
export function createPortalApiClient(options: PortalApiOptions): PortalApiClient {
  const resolved = resolvePortalApiOptions(options)
  const pace = new RequestPace(resolved)
  return { contracts: (question) => streamContracts(question, resolved, pace) }
}

async function* streamContracts(
  question: PortalQuestion,
  options: ResolvedPortalApiOptions,
  pace: RequestPace,
): AsyncGenerator<ContractFacts, void> {
  if (!/^\d{5}$/.test(question.organCode)) throw new ProcurementOptionError(`organCode must be five digits, got "${question.organCode}"`)
  const { deadlineMs, maxPages, clock, cache } = options
  const { signal } = question
  signal?.throwIfAborted()
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal?.reason)
  const late = new PortalUnavailableError(`the Portal's API did not give all pages within deadlineMs = ${deadlineMs}`, {
    facts: { deadlineMs },
  })
  const timer = clock.schedule(deadlineMs, () => controller.abort(late))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for (let page = 1; page <= maxPages; page++) {
      const asked = pathOf(question, page)
      const text = await cache.getOrLoad(asked, () => requestPortal(asked, { options, pace, signal: controller.signal }))
      const contracts = parsePage(text, page)
      if (contracts.length === 0) return
      yield* contracts
    }
    throw new PortalUnavailableError(`the Portal's API has more than maxPages = ${maxPages} pages`, { facts: { maxPages } })
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

function pathOf({ organCode, from, to }: PortalQuestion, page: number): string {
  const query = new URLSearchParams({
    codigoOrgao: organCode,
    dataInicial: formatBrazilianDate(from),
    dataFinal: formatBrazilianDate(to),
    pagina: String(page),
  })
  return `/api-de-dados/contratos?${query.toString()}`
}
