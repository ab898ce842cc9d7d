/** The agents that read files and compute. Loaded by each worker thread: nothing happens on import but definitions. */
import { defineAgent, type AgentContext, type InlineAgent } from '@cidadao/agent-pool'
import { analyzePortal, fingerprintPortalContracts, scanContracts, type ContractFilter, type ReadProgress } from '@cidadao/procurement'
import { SourceChangedError } from '../errors.ts'
import {
  contractSummaryContract,
  familyContract,
  RULE_FAMILIES,
  sourceFingerprintContract,
  type ContractFilterInput,
  type RuleFamily,
} from './agent-contracts.ts'

export const sourceFingerprint: InlineAgent<'source-fingerprint'> = defineAgent({
  ...sourceFingerprintContract,
  run: async ({ source }, context) => ({ sha256: await fingerprintPortalContracts(source, { signal: context.signal }) }),
})

export const contractSummary: InlineAgent<'contract-summary'> = defineAgent({
  ...contractSummaryContract,
  run: async ({ source, sha256, filter }, context) => {
    const result = await scanContracts(source, { ...readOptions(context), filter: toFilter(filter) }, () => {})
    requireUnchanged(source, { expected: sha256, found: result.source.sha256 })
    const { rows, files } = result.source
    const { total } = result.rejects
    return { source: { rows, files: [...files] }, filter, ...result.summary, rejectedRows: total, rejects: { ...result.rejects, total } }
  },
})

export const digits: InlineAgent<'digits'> = familyAgent('digits')
export const concentration: InlineAgent<'concentration'> = familyAgent('concentration')
export const amendments: InlineAgent<'amendments'> = familyAgent('amendments')
export const paperwork: InlineAgent<'paperwork'> = familyAgent('paperwork')

function familyAgent<Name extends RuleFamily>(name: Name): InlineAgent<Name> {
  return defineAgent({
    ...familyContract(name),
    run: async ({ source, sha256, filter }, context) => {
      const rules = { only: RULE_FAMILIES[name] }
      const analysis = await analyzePortal(source, { ...readOptions(context), filter: toFilter(filter), rules })
      requireUnchanged(source, { expected: sha256, found: analysis.source.sha256 })
      return { findings: analysis.findings.map((finding) => ({ ...finding })) }
    },
  })
}

function readOptions(context: AgentContext): { signal: AbortSignal; onProgress: (progress: ReadProgress) => void } {
  const onProgress = ({ bytesRead, totalBytes, rows }: ReadProgress): void => context.progress({ bytesRead, totalBytes, rows })
  return { signal: context.signal, onProgress }
}

function toFilter({ superiorOrganCodes, publicationYear }: ContractFilterInput): ContractFilter {
  return {
    ...(superiorOrganCodes === undefined ? {} : { superiorOrganCodes }),
    ...(publicationYear === undefined ? {} : { publicationYear }),
  }
}

/** Findings about a file that changed between two steps would not fit together. */
function requireUnchanged(source: string, sha256: { readonly expected: string; readonly found: string }): void {
  if (sha256.expected === sha256.found) return
  throw new SourceChangedError(`the source changed during the investigation: ${source}; start a new one`, { facts: { source } })
}
