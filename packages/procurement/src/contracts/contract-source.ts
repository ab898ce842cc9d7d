import { factsOf, type Contract, type ContractFacts } from './contract.ts'
import { matchesFilter, type ContractFilter } from './contract-filter.ts'
import { isSnapshot, scanSnapshot } from './contract-snapshot.ts'
import { ContractTotals, type ContractSummary } from './contract-summary.ts'
import { requireInteger, TooManyContractsError } from '../errors.ts'
import { PORTAL_CONTRACTS } from './portal-contracts.ts'
import { fingerprintTable, readTable, type ReadOptions } from '../source/read-table.ts'
import { scanTable, type ScanTableOptions, type TableScan } from '../source/scan-table.ts'
import type { TableEvent } from '../table/table.ts'

/**
 * Streams the contracts at `source`: a folder of Portal files, the ZIP they come in, or one CSV file. Yields each row
 * in the order of the file, as a contract or as a rejected row, and the digest of each file at its end.
 * Memory does not grow with the size of the files.
 */
export function readContracts(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<Contract>> {
  return readTable(source, PORTAL_CONTRACTS, options)
}

/** The sha256 that `loadPortalContracts` would report, without reading the rows. */
export function fingerprintPortalContracts(source: string, options: ReadOptions = {}): Promise<string> {
  return fingerprintTable(source, PORTAL_CONTRACTS, options)
}

export interface ScanOptions extends ScanTableOptions {
  /** Which contracts are meant; the others are read and passed over. @default all */
  readonly filter?: ContractFilter
}

export interface ScanResult extends TableScan {
  /** Over the contracts that match the filter. */
  readonly summary: ContractSummary
}

/** Reads the source once and gives each matching contract to `use`. */
export async function scanContracts(source: string, options: ScanOptions, use: (contract: ContractFacts) => void): Promise<ScanResult> {
  const { filter = {} } = options
  const totals = new ContractTotals()
  const scan = await scanAny(source, options, (contract) => {
    if (!matchesFilter(contract, filter)) return
    totals.add(contract)
    use(contract)
  })
  return { source: scan.source, summary: totals.summary(), rejects: scan.rejects }
}

/** Files of the Portal, or what was kept of its API. */
async function scanAny(source: string, options: ScanOptions, use: (contract: ContractFacts) => void): Promise<TableScan> {
  if (!isSnapshot(source)) return scanTable({ source, spec: PORTAL_CONTRACTS, options }, use)
  const file = await scanSnapshot(source, options, use)
  return { source: { sha256: file.sha256, files: [file], rows: file.rows }, rejects: { total: 0, byReason: {}, rows: [] } }
}

export interface LoadOptions extends ScanOptions {
  /** Most contracts held in memory, about 0.5 kB each; more throw `TooManyContractsError`. @default 500_000 */
  readonly maxContracts?: number
}

/** Contracts in memory, with only what the rules need. */
export interface ContractTable extends ScanResult {
  readonly contracts: readonly ContractFacts[]
}

const DEFAULT_MAX_CONTRACTS = 500_000

/** Loads the matching contracts. For sources of any size use `analyzePortal`, which keeps none. */
export async function loadPortalContracts(source: string, options: LoadOptions = {}): Promise<ContractTable> {
  const maxContracts = requireInteger('maxContracts', options.maxContracts ?? DEFAULT_MAX_CONTRACTS, 0)
  const contracts: ContractFacts[] = []
  const result = await scanContracts(source, options, (contract) => {
    if (contracts.length >= maxContracts) throw tooMany(source, maxContracts)
    contracts.push(factsOf(contract))
  })
  return { ...result, contracts }
}

function tooMany(source: string, maxContracts: number): TooManyContractsError {
  return new TooManyContractsError(`${source} holds more than maxContracts = ${maxContracts} matching contracts`, {
    facts: { source, maxContracts },
  })
}
