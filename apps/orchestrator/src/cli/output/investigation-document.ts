import type { JsonValue } from '@cidadao/contracts'
import type { InvestigationReport } from '../../agents/agent-contracts.ts'
import type { InvestigationView } from '../../api/api-ports.ts'
import type { Store } from '../../compose-store.ts'

/** An investigation with everything that a reader needs, as `--json` prints it. Money as decimal strings. */
export interface InvestigationDocument {
  readonly investigation: Omit<InvestigationView, 'results'>
  readonly source: InvestigationReport['source'] | null
  readonly filter: InvestigationReport['filter'] | null
  readonly summary: InvestigationReport['summary'] | null
  readonly rejects: InvestigationReport['rejects'] | null
  readonly findings: InvestigationReport['findings']
  /** Families of rules whose findings are missing because their step failed. */
  readonly missing: readonly string[]
  /** Whether the results came from the cache, since question and source are unchanged. */
  readonly cache: { readonly outcome: 'hit' | 'computed'; readonly stepsFromCache: readonly string[] }
  readonly audit: { readonly entries: number; readonly verified: boolean }
}

/** Puts an investigation together with its audit entries; recomputes the log's chain to say whether it holds. */
export async function toDocument(store: Pick<Store, 'db'>, view: InvestigationView): Promise<InvestigationDocument> {
  const { results, ...investigation } = view
  const report = (results ?? null) as unknown as InvestigationReport | null
  const { audit, sql, runs } = store.db
  const entries = await audit.entriesOf(sql, view.id, { limit: 10_000 })
  const { ok } = await audit.verify(sql)
  const remembered = (await runs.listEvents(view.id, { limit: 1_000 })).filter(({ data }) => data.remembered === true)
  return {
    investigation,
    source: report?.source ?? null,
    filter: report?.filter ?? null,
    summary: report?.summary ?? null,
    rejects: report?.rejects ?? null,
    findings: report?.findings ?? [],
    missing: report?.missing ?? [],
    cache: toCacheNote(remembered.map(({ data }) => data.step)),
    audit: { entries: entries.length, verified: ok },
  }
}

function toCacheNote(steps: readonly (JsonValue | undefined)[]): InvestigationDocument['cache'] {
  const stepsFromCache = steps.filter((step) => typeof step === 'string')
  return { outcome: stepsFromCache.includes('report') ? 'hit' : 'computed', stepsFromCache }
}
