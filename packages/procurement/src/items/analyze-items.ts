import type { ContractFilter } from '../contracts/contract-filter.ts'
import { scanContracts } from '../contracts/contract-source.ts'
import type { Finding } from '../findings/finding.ts'
import { createPriceOutlier, type PriceOutlierOptions } from '../rules/prices/price-outlier.ts'
import { fingerprintTable, readTable, type ReadOptions } from '../source/read-table.ts'
import { scanTable, type ScanTableOptions, type TableScan } from '../source/scan-table.ts'
import type { TableEvent } from '../table/table.ts'
import type { PortalItem, PricedItem } from './item.ts'
import { PORTAL_ITEMS } from './portal-items.ts'

export interface AnalyzeItemsOptions extends ScanTableOptions {
  /** Which items are compared, by their buying unit. @default all */
  readonly unitCodes?: readonly string[]
  /**
   * Which items are judged, by the contracts they belong to, which must lie in the same source. They are compared with
   * all items all the same: what is usual does not depend on who asks. @default all
   */
  readonly filter?: ContractFilter
  readonly rules?: { readonly 'price-outlier'?: PriceOutlierOptions }
}

export interface ItemAnalysis extends TableScan {
  readonly findings: readonly Finding[]
}

/** Streams the items at `source`: a folder of Portal files, the ZIP they come in, or one CSV file. */
export function readPortalItems(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<PortalItem>> {
  return readTable(source, PORTAL_ITEMS, options)
}

/** The sha256 that `analyzePortalItems` would report, without reading the rows. */
export function fingerprintPortalItems(source: string, options: ReadOptions = {}): Promise<string> {
  return fingerprintTable(source, PORTAL_ITEMS, options)
}

/** Compares the prices of all items of a source. Keeps every item that has a price until the end. */
export async function analyzePortalItems(source: string, options: AnalyzeItemsOptions = {}): Promise<ItemAnalysis> {
  const { unitCodes, filter = {} } = options
  const isMeant = isUnfiltered(filter) ? {} : { isMeant: itemsOf(await contractKeys(source, filter, options)) }
  const run = createPriceOutlier({ ...options.rules?.['price-outlier'], ...isMeant })
  const scan = await scanTable({ source, spec: PORTAL_ITEMS, options }, (item) => {
    if (unitCodes === undefined || unitCodes.includes(item.unit.code)) run.add(item)
  })
  return { ...scan, findings: run.finish() }
}

function isUnfiltered(filter: ContractFilter): boolean {
  return Object.values(filter).every((value) => value === undefined)
}

/** A unit and a number of contract, as one number where both are digits, which takes a fifth of the memory of a text. */
function keyOf(unitCode: string, contractNumber: string): number | string {
  return /^\d{6}$/.test(unitCode) && /^\d{9}$/.test(contractNumber)
    ? Number(unitCode) * 1e9 + Number(contractNumber)
    : `${unitCode}/${contractNumber}`
}

async function contractKeys(source: string, filter: ContractFilter, options: ScanTableOptions): Promise<ReadonlySet<number | string>> {
  const keys = new Set<number | string>()
  await scanContracts(source, { ...options, filter }, ({ unit, number }) => void keys.add(keyOf(unit.code, number)))
  return keys
}

function itemsOf(contracts: ReadonlySet<number | string>): (item: PricedItem) => boolean {
  return ({ unit, contractNumber }) => contracts.has(keyOf(unit.code, contractNumber))
}
