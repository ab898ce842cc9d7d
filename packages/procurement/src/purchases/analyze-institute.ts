import { ContractTotals, type ContractSummary } from '../contracts/contract-summary.ts'
import type { Finding } from '../findings/finding.ts'
import { PRICE_REGISTER } from '../items/price-register.ts'
import type { PricedItem, RegisteredItem } from '../items/item.ts'
import { createPriceOutlier, type PriceOutlierOptions } from '../rules/prices/price-outlier.ts'
import { createThresholdSplitting, type ThresholdSplittingOptions } from '../rules/splitting/threshold-splitting.ts'
import { readTable, type ReadOptions } from '../source/read-table.ts'
import { scanTable, type ScanTableOptions, type TableScan } from '../source/scan-table.ts'
import type { TableEvent } from '../table/table.ts'
import { yearOf } from '../values/civil-date.ts'
import { directPurchasesOfInstitute } from './direct-purchase.ts'
import { INSTITUTE_CONTRACTS } from './institute-contracts.ts'
import { INSTITUTE_PURCHASES } from './institute-purchases.ts'
import type { InstituteContract, InstitutePurchase } from './purchase.ts'

export interface AnalyzeInstituteOptions extends ScanTableOptions {
  /** Which purchases are meant, and which items by the year of their register; the files name no ministry. @default all */
  readonly filter?: InstituteFilter
  readonly rules?: {
    readonly 'threshold-splitting'?: ThresholdSplittingOptions
    readonly 'price-outlier'?: PriceOutlierOptions
  }
}

/** What the files of an institute can be narrowed by. */
export interface InstituteFilter {
  /** As it stands in the number of the purchase or register. */
  readonly year?: number
}

/** Of each of the three files what was read and what could not be. */
export interface InstituteAnalysis {
  readonly purchases: TableScan
  readonly contracts: TableScan
  readonly registeredItems: TableScan
  readonly findings: readonly Finding[]
}

/** Streams `compras.csv` at `source`: a folder, a ZIP, or the file itself. */
export function readInstitutePurchases(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<InstitutePurchase>> {
  return readTable(source, INSTITUTE_PURCHASES, options)
}

/** Streams `contratos.csv`. */
export function readInstituteContracts(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<InstituteContract>> {
  return readTable(source, INSTITUTE_CONTRACTS, options)
}

/** Streams `atas_itens.csv`. */
export function readRegisteredItems(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<RegisteredItem>> {
  return readTable(source, PRICE_REGISTER, options)
}

/**
 * Runs the rules over the three files of a federal institute, which lie in one folder or ZIP. Purchases and contracts
 * are held in memory, since who supplies a purchase stands in the other file.
 */
export async function analyzeInstitute(source: string, options: AnalyzeInstituteOptions = {}): Promise<InstituteAnalysis> {
  const { purchases, contracts, findings } = await analyzeInstitutePurchases(source, options)
  const { registeredItems, findings: ofPrices } = await analyzeRegisteredItems(source, options)
  return { purchases, contracts, registeredItems, findings: [...findings, ...ofPrices] }
}

export type InstitutePurchaseAnalysis = Pick<InstituteAnalysis, 'purchases' | 'contracts' | 'findings'>

/** Looks for purchases split below the limit, in `compras.csv` and `contratos.csv`. */
export async function analyzeInstitutePurchases(source: string, options: AnalyzeInstituteOptions = {}): Promise<InstitutePurchaseAnalysis> {
  const splitting = createThresholdSplitting(options.rules?.['threshold-splitting'])
  const year = options.filter?.year
  const bought: InstitutePurchase[] = []
  const signed: InstituteContract[] = []
  const purchases = await scanTable({ source, spec: INSTITUTE_PURCHASES, options }, (row) => {
    if (year === undefined || row.year === year) bought.push(row)
  })
  const contracts = await scanTable({ source, spec: INSTITUTE_CONTRACTS, options }, (row) => signed.push(row))
  for (const purchase of directPurchasesOfInstitute(bought, signed)) splitting.add(purchase)
  return { purchases, contracts, findings: splitting.finish() }
}

export type RegisteredItemAnalysis = Pick<InstituteAnalysis, 'registeredItems' | 'findings'>

/** Compares the prices of `atas_itens.csv`. Those of a year are compared with those of all years. */
export async function analyzeRegisteredItems(source: string, options: AnalyzeInstituteOptions = {}): Promise<RegisteredItemAnalysis> {
  const year = options.filter?.year
  const isMeant = year === undefined ? {} : { isMeant: (item: PricedItem): boolean => item.contractNumber.endsWith(`/${year}`) }
  const prices = createPriceOutlier({ ...options.rules?.['price-outlier'], ...isMeant })
  const registeredItems = await scanTable({ source, spec: PRICE_REGISTER, options }, (row) => prices.add(row))
  return { registeredItems, findings: prices.finish() }
}

/** Totals of an institute's contracts, and what was read of all its files. */
export interface InstituteScan {
  readonly summary: ContractSummary
  readonly purchases: TableScan
  readonly contracts: TableScan
}

/** Reads the files of an institute and sums its contracts and commitments, by the year they begin in where one is asked. */
export async function scanInstitute(source: string, options: Omit<AnalyzeInstituteOptions, 'rules'> = {}): Promise<InstituteScan> {
  const year = options.filter?.year
  const totals = new ContractTotals()
  const purchases = await scanTable({ source, spec: INSTITUTE_PURCHASES, options }, () => {})
  const contracts = await scanTable({ source, spec: INSTITUTE_CONTRACTS, options }, ({ value, startsOn }) => {
    if (year === undefined || (startsOn !== null && yearOf(startsOn) === year)) totals.add({ initialValue: value, finalValue: value })
  })
  return { summary: totals.summary(), purchases, contracts }
}
