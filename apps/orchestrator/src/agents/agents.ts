import { defineAgent, defineThreadAgent, siblingModule, type AgentDefinition } from '@cidadao/agent-pool'
import type { Finding } from '@cidadao/procurement'
import {
  contractSummaryContract,
  familyContract,
  reporterContract,
  RULE_FAMILY_NAMES,
  sourceFingerprintContract,
  type InvestigationReport,
} from './agent-contracts.ts'

const ANALYSIS_MODULE = siblingModule(import.meta.url, './analysis-agents')

const reporter = defineAgent({
  ...reporterContract,
  run: ({ source, summary, ...families }) => {
    const { rows, files } = summary.source
    const { contracts, totalInitialValue, totalFinalValue, largestInitialValue, rejectedRows } = summary
    const report: InvestigationReport = {
      source: { sha256: source.sha256, rows, files },
      filter: summary.filter,
      summary: { contracts, totalInitialValue, totalFinalValue, largestInitialValue, rejectedRows },
      rejects: summary.rejects,
      findings: RULE_FAMILY_NAMES.flatMap((family) => (families[family]?.findings ?? []) as unknown as Finding[]),
      missing: RULE_FAMILY_NAMES.filter((family) => families[family] === undefined),
    }
    return { ...report, findings: report.findings.map((finding) => ({ ...finding })) }
  },
})

/** Every agent of the orchestrator. Those that read and compute run in threads; the reporter only sorts. */
export function orchestratorAgents(): readonly AgentDefinition[] {
  return [
    defineThreadAgent({ ...sourceFingerprintContract, module: ANALYSIS_MODULE, exportName: 'sourceFingerprint' }),
    defineThreadAgent({ ...contractSummaryContract, module: ANALYSIS_MODULE, exportName: 'contractSummary' }),
    ...RULE_FAMILY_NAMES.map((name) => defineThreadAgent({ ...familyContract(name), module: ANALYSIS_MODULE, exportName: name })),
    reporter,
  ]
}
