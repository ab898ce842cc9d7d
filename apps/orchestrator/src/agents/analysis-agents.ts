/** The agents that read files and compute. Loaded by each worker thread: nothing happens on import but definitions. */
import { defineAgent, type AgentContext, type InlineAgent } from '@cidadao/agent-pool'
import type { JsonValue } from '@cidadao/contracts'
import { fingerprintSource, type ContractFilter, type Finding, type ReadProgress, type TableScan } from '@cidadao/procurement'
import { inputHash } from '../engine/step-inputs.ts'
import { SourceChangedError } from '../errors.ts'
import {
  analyzeContracts,
  analyzePrices,
  analyzeSplitting,
  summarize,
  type Analyzed,
  abilitiesOf,
  type AnalysisRequest,
} from './analyses.ts'
import {
  contractSummaryContract,
  FAMILY_NEEDS,
  familyContract,
  RULE_FAMILIES,
  sourceFingerprintContract,
  type ContractFilterInput,
  type FindingProvenance,
  type RuleFamily,
} from './agent-contracts.ts'

export const sourceFingerprint: InlineAgent<'source-fingerprint'> = defineAgent({
  ...sourceFingerprintContract,
  run: async ({ source }, context) => {
    const { sha256, tables } = await fingerprintSource(source, { signal: context.signal })
    return { sha256, tables: { ...tables }, can: abilitiesOf(tables) }
  },
})

export const contractSummary: InlineAgent<'contract-summary'> = defineAgent({
  ...contractSummaryContract,
  run: async (input, context) => {
    const { summary, scans, topSuppliers } = await summarize(toRequest(input, context))
    requireUnchanged(input, scans)
    const files = scans.flatMap(({ scan }) => [...scan.source.files])
    const rows = scans.reduce((sum, { scan }) => sum + scan.source.rows, 0)
    const total = scans.reduce((sum, { scan }) => sum + scan.rejects.total, 0)
    const rejects = { total, rows: scans.flatMap(({ scan }) => scan.rejects.rows), byReason: mergeReasons(scans.map(({ scan }) => scan)) }
    const suppliers = topSuppliers.map((supplier) => ({ ...supplier }))
    return { source: { rows, files }, filter: input.filter, ...summary, rejectedRows: total, rejects, topSuppliers: suppliers }
  },
})

export const digits: InlineAgent<'digits'> = familyAgent('digits', (request) => analyzeContracts(request, RULE_FAMILIES.digits))
export const prices: InlineAgent<'prices'> = familyAgent('prices', analyzePrices)
export const splitting: InlineAgent<'splitting'> = familyAgent('splitting', analyzeSplitting)
export const concentration: InlineAgent<'concentration'> = familyAgent('concentration', (request) =>
  analyzeContracts(request, RULE_FAMILIES.concentration),
)
export const amendments: InlineAgent<'amendments'> = familyAgent('amendments', (request) =>
  analyzeContracts(request, RULE_FAMILIES.amendments),
)
export const paperwork: InlineAgent<'paperwork'> = familyAgent('paperwork', (request) => analyzeContracts(request, RULE_FAMILIES.paperwork))

function familyAgent<Name extends RuleFamily>(name: Name, analyze: (request: AnalysisRequest) => Promise<Analyzed>): InlineAgent<Name> {
  return defineAgent({
    ...familyContract(name),
    run: async (input, context) => {
      // Nothing to look at is no failure; the report says that it is so.
      if (!abilitiesOf(input.tables)[FAMILY_NEEDS[name]]) return { findings: [] }
      const { findings, scans } = await analyze(toRequest(input, context))
      requireUnchanged(input, scans)
      const { agent, version } = context
      // Through JSON, as the engine hashed it: fields that are undefined are not there.
      const inputSha256 = inputHash(agent, version, JSON.parse(JSON.stringify(input)) as JsonValue)
      return { findings: findings.map((finding) => traced(finding, { tables: input.tables, agent, agentVersion: version, inputSha256 })) }
    },
  })
}

function traced(finding: Finding, provenance: FindingProvenance): Record<string, unknown> & Pick<Finding, 'rule' | 'version' | 'severity'> {
  return { ...finding, provenance }
}

interface AnalysisInput {
  readonly source: string
  readonly tables: Readonly<Record<string, string>>
  readonly filter: ContractFilterInput
}

function toRequest({ source, tables, filter }: AnalysisInput, context: AgentContext): AnalysisRequest {
  const onProgress = ({ bytesRead, totalBytes, rows }: ReadProgress): void => context.progress({ bytesRead, totalBytes, rows })
  return { source, tables, filter: toFilter(filter), read: { signal: context.signal, onProgress } }
}

function toFilter(filter: ContractFilterInput): ContractFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
}

/** The first rejected rows of each table are listed, those of all are counted. */
function mergeReasons(scans: readonly TableScan[]): Record<string, number> {
  const merged: Record<string, number> = {}
  for (const { rejects } of scans)
    for (const [reason, count] of Object.entries(rejects.byReason)) merged[reason] = (merged[reason] ?? 0) + count
  return merged
}

/** Findings about a file that changed between two steps would not fit together. */
function requireUnchanged({ source, tables }: AnalysisInput, scans: Analyzed['scans']): void {
  if (scans.every(({ table, scan }) => tables[table] === scan.source.sha256)) return
  throw new SourceChangedError(`the source changed during the investigation: ${source}; start a new one`, { facts: { source } })
}
