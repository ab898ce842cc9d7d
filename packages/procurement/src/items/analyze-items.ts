import type { Finding } from '../findings/finding.ts'
import { createPriceOutlier, type PriceOutlierOptions } from '../rules/prices/price-outlier.ts'
import { fingerprintTable, readTable, type ReadOptions } from '../source/read-table.ts'
import { scanTable, type ScanTableOptions, type TableScan } from '../source/scan-table.ts'
import type { TableEvent } from '../table/table.ts'
import type { PortalItem } from './item.ts'
import { PORTAL_ITEMS } from './portal-items.ts'

export interface AnalyzeItemsOptions extends ScanTableOptions {
  /** Which items are compared, by their buying unit. @default all */
  readonly unitCodes?: readonly string[]
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
  const run = createPriceOutlier(options.rules?.['price-outlier'])
  const { unitCodes } = options
  const scan = await scanTable({ source, spec: PORTAL_ITEMS, options }, (item) => {
    if (unitCodes === undefined || unitCodes.includes(item.unit.code)) run.add(item)
  })
  return { ...scan, findings: run.finish() }
}
