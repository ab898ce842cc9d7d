import type { ContractFacts } from './contracts/contract.ts'
import { scanContracts, type ScanOptions, type ScanResult } from './contracts/contract-source.ts'
import type { Finding } from './findings/finding.ts'
import { startContractRules, type ContractRuleSelection } from './rules/registry.ts'

export interface AnalyzeOptions extends ScanOptions {
  /** Which rules, and how they are set. @default all, with their defaults */
  readonly rules?: ContractRuleSelection
}

export interface Analysis extends ScanResult {
  /** One of each rule, in the order of the registry. */
  readonly findings: readonly Finding[]
}

/** Runs the rules over a source in one pass, whatever its size. */
export async function analyzePortal(source: string, options: AnalyzeOptions = {}): Promise<Analysis> {
  const runs = startContractRules(options.rules)
  const result = await scanContracts(source, options, (contract) => {
    for (const run of runs) run.add(contract)
  })
  return { ...result, findings: runs.flatMap((run) => run.finish()) }
}

/** Runs the rules over contracts that are already in memory. */
export function runContractRules(contracts: Iterable<ContractFacts>, selection: ContractRuleSelection = {}): readonly Finding[] {
  const runs = startContractRules(selection)
  for (const contract of contracts) for (const run of runs) run.add(contract)
  return runs.flatMap((run) => run.finish())
}
