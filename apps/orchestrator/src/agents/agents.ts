import { defineAgent, defineThreadAgent, siblingModule, type AgentDefinition } from '@cidadao/agent-pool'
import { crossCheck, type CrossCheck, type Finding, type SupplierTotal } from '@cidadao/procurement'
import {
  contractSummaryContract,
  crossCheckerContract,
  familyContract,
  FAMILY_NEEDS,
  reporterContract,
  RULE_FAMILY_NAMES,
  sourceFingerprintContract,
  type InvestigationReport,
} from './agent-contracts.ts'

const ANALYSIS_MODULE = siblingModule(import.meta.url, './analysis-agents')

/** Most records of the cross-check that a report keeps; all are counted. */
const MAX_CASES = 200

const crossChecker = defineAgent({
  ...crossCheckerContract,
  run: (families) => {
    const found = RULE_FAMILY_NAMES.flatMap((family) => (families[family]?.findings ?? []) as unknown as Finding[])
    return { ...crossCheck(found, { maxCases: MAX_CASES }) }
  },
})

const reporter = defineAgent({
  ...reporterContract,
  run: ({ source, summary, planned, crossCheck: checked, ...families }) => {
    const { rows, files } = summary.source
    const { contracts, totalInitialValue, totalFinalValue, largestInitialValue, rejectedRows } = summary
    const report: InvestigationReport = {
      source: { sha256: source.sha256, rows, files },
      filter: summary.filter,
      summary: { contracts, totalInitialValue, totalFinalValue, largestInitialValue, rejectedRows },
      rejects: summary.rejects,
      findings: RULE_FAMILY_NAMES.flatMap((family) => (families[family]?.findings ?? []) as unknown as InvestigationReport['findings']),
      ...(checked === undefined ? {} : { crossCheck: checked as unknown as CrossCheck }),
      topSuppliers: summary.topSuppliers as unknown as SupplierTotal[],
      missing: planned.filter((family) => families[family] === undefined),
      withoutFiles: planned.filter((family) => !source.can[FAMILY_NEEDS[family]]),
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
    crossChecker,
    reporter,
  ]
}
