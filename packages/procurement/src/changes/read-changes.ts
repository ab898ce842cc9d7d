import { readTable, type ReadOptions } from '../source/read-table.ts'
import type { TableEvent } from '../table/table.ts'
import type { Amendment, Apostille } from './contract-change.ts'
import { PORTAL_AMENDMENTS, PORTAL_APOSTILLES } from './portal-changes.ts'

/** Streams the amendments at `source`: a folder of Portal files, the ZIP they come in, or one CSV file. */
export function readAmendments(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<Amendment>> {
  return readTable(source, PORTAL_AMENDMENTS, options)
}

/** Streams the apostilles at `source`; most months have none. */
export function readApostilles(source: string, options: ReadOptions = {}): AsyncIterable<TableEvent<Apostille>> {
  return readTable(source, PORTAL_APOSTILLES, options)
}
