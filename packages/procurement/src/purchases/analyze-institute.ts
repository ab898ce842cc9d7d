import type { Finding } from '../findings/finding.ts'
import { PRICE_REGISTER } from '../items/price-register.ts'
import type { RegisteredItem } from '../items/item.ts'
import { createPriceOutlier, type PriceOutlierOptions } from '../rules/prices/price-outlier.ts'
import { createThresholdSplitting, type ThresholdSplittingOptions } from '../rules/splitting/threshold-splitting.ts'
import { readTable, type ReadOptions } from '../source/read-table.ts'
import { scanTable, type ScanTableOptions, type TableScan } from '../source/scan-table.ts'
import type { TableEvent } from '../table/table.ts'
import { directPurchasesOfInstitute } from './direct-purchase.ts'
import { INSTITUTE_CONTRACTS } from './institute-contracts.ts'
import { INSTITUTE_PURCHASES } from './institute-purchases.ts'
import type { InstituteContract, InstitutePurchase } from './purchase.ts'

export interface AnalyzeInstituteOptions extends ScanTableOptions {
  readonly rules?: {
    readonly 'threshold-splitting'?: ThresholdSplittingOptions
    readonly 'price-outlier'?: PriceOutlierOptions
  }
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
  const splitting = createThresholdSplitting(options.rules?.['threshold-splitting'])
  const prices = createPriceOutlier(options.rules?.['price-outlier'])
  const bought: InstitutePurchase[] = []
  const signed: InstituteContract[] = []
  const purchases = await scanTable({ source, spec: INSTITUTE_PURCHASES, options }, (row) => bought.push(row))
  const contracts = await scanTable({ source, spec: INSTITUTE_CONTRACTS, options }, (row) => signed.push(row))
  for (const purchase of directPurchasesOfInstitute(bought, signed)) splitting.add(purchase)
  const registeredItems = await scanTable({ source, spec: PRICE_REGISTER, options }, (row) => prices.add(row))
  return { purchases, contracts, registeredItems, findings: [...splitting.finish(), ...prices.finish()] }
}
