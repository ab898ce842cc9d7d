/** What the agents of each family do with a source, whichever of the known kinds it is. */
import {
  analyzeInstitutePurchases,
  analyzePortal,
  analyzePortalItems,
  analyzeRegisteredItems,
  FilterUnsupportedError,
  scanContracts,
  scanInstitute,
  SupplierTotals,
  type ContractFilter,
  type ContractSummary,
  type Finding,
  type InstituteFilter,
  type ReadOptions,
  type RuleId,
  type SourceTable,
  type SupplierTotal,
  type TableScan,
} from '@cidadao/procurement'
import type { SourceAbility } from './agent-contracts.ts'

export interface AnalysisRequest {
  readonly source: string
  /** SHA-256 of each table that is there. */
  readonly tables: Readonly<Record<string, string>>
  readonly filter: ContractFilter
  readonly read: Pick<ReadOptions, 'signal' | 'onProgress'>
}

interface ScannedTable {
  readonly table: SourceTable
  readonly scan: TableScan
}

export interface Analyzed {
  readonly findings: readonly Finding[]
  /** What was read on the way. */
  readonly scans: readonly ScannedTable[]
}

export interface Summarized {
  readonly summary: ContractSummary
  readonly topSuppliers: readonly SupplierTotal[]
  readonly scans: readonly ScannedTable[]
}

const TOP_SUPPLIERS = 20
const NO_CONTRACTS: ContractSummary = { contracts: 0, totalInitialValue: '0.00', totalFinalValue: '0.00', largestInitialValue: null }

/** Which kinds of analysis the tables of a source allow. */
export function abilitiesOf(tables: AnalysisRequest['tables']): Readonly<Record<SourceAbility, boolean>> {
  const has = (name: SourceTable): boolean => tables[name] !== undefined
  const contracts = has('portal-contracts')
  const splitting = contracts || (has('institute-purchases') && has('institute-contracts'))
  return { contracts, splitting, prices: has('portal-items') || has('price-register') }
}

/** Rules over the contracts of the Portal. */
export async function analyzeContracts({ source, filter, read }: AnalysisRequest, only: readonly RuleId[]): Promise<Analyzed> {
  const analysis = await analyzePortal(source, { ...read, filter, rules: { only } })
  return { findings: analysis.findings, scans: [{ table: 'portal-contracts', scan: analysis }] }
}

export async function analyzePrices(request: AnalysisRequest): Promise<Analyzed> {
  const { source, tables, filter, read } = request
  if (tables['portal-items'] !== undefined) {
    const scan = await analyzePortalItems(source, { ...read, filter })
    return { findings: scan.findings, scans: [{ table: 'portal-items', scan }] }
  }
  const { registeredItems, findings } = await analyzeRegisteredItems(source, { ...read, filter: instituteFilter(request) })
  return { findings, scans: [{ table: 'price-register', scan: registeredItems }] }
}

export async function analyzeSplitting(request: AnalysisRequest): Promise<Analyzed> {
  const { source, tables, read } = request
  if (tables['portal-contracts'] !== undefined) return analyzeContracts(request, ['threshold-splitting'])
  const { findings, purchases, contracts } = await analyzeInstitutePurchases(source, { ...read, filter: instituteFilter(request) })
  return { findings, scans: institute(purchases, contracts) }
}

/** Sums the contracts that are meant. A source of items alone has none, and says what was read all the same. */
export async function summarize(request: AnalysisRequest): Promise<Summarized> {
  const { source, tables, filter, read } = request
  if (tables['portal-contracts'] !== undefined) {
    const totals = new SupplierTotals()
    const { summary, ...scan } = await scanContracts(source, { ...read, filter }, (contract) => totals.add(contract))
    return { summary, topSuppliers: totals.top(TOP_SUPPLIERS), scans: [{ table: 'portal-contracts', scan }] }
  }
  if (tables['institute-purchases'] !== undefined && tables['institute-contracts'] !== undefined) {
    const { summary, purchases, contracts } = await scanInstitute(source, { ...read, filter: instituteFilter(request) })
    return { summary, topSuppliers: [], scans: institute(purchases, contracts) }
  }
  const { scans } = await analyzePrices(request)
  return { summary: NO_CONTRACTS, topSuppliers: [], scans }
}

function institute(purchases: TableScan, contracts: TableScan): readonly ScannedTable[] {
  return [
    { table: 'institute-purchases', scan: purchases },
    { table: 'institute-contracts', scan: contracts },
  ]
}

/** An institute's files hold one institute: narrowing them to a ministry would answer another question. */
function instituteFilter({ source, filter }: AnalysisRequest): InstituteFilter {
  const { superiorOrganCodes, supplierCnpj, supplierName, publicationYear } = filter
  if ((superiorOrganCodes ?? supplierCnpj ?? supplierName) !== undefined) {
    const message = `the files of an institute cannot be narrowed to a ministry or a supplier; ask without: ${source}`
    throw new FilterUnsupportedError(message, { facts: { source } })
  }
  return publicationYear === undefined ? {} : { year: publicationYear }
}
