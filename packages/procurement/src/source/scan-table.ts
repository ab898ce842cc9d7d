import { requireInteger } from '../errors.ts'
import { RejectList, type RejectSummary } from '../table/rejected-row.ts'
import type { FileDigest, TableSpec } from '../table/table.ts'
import { readTableBatches, sourceSha256, type ReadOptions } from './read-table.ts'

/** What a source was, as read. */
export interface SourceSummary {
  /** Of the one file, or of the list of files; the same for a folder and for a ZIP of it. */
  readonly sha256: string
  readonly files: readonly FileDigest[]
  /** Data rows of all files, broken ones included. */
  readonly rows: number
}

export interface ScanTableOptions extends ReadOptions {
  /** Most rejected rows listed; all are counted. @default 100 */
  readonly maxRejects?: number
}

export interface TableScan {
  readonly source: SourceSummary
  /** Over the whole source: a row that cannot be read cannot be filtered. */
  readonly rejects: RejectSummary
}

interface ScanRequest<Column extends string, Row> {
  readonly source: string
  readonly spec: TableSpec<Column, Row>
  readonly options: ScanTableOptions
}

const DEFAULT_MAX_REJECTS = 100

/** Reads all files of one kind once, gives each row to `use`, and tells what was read and what could not be. */
export async function scanTable<Column extends string, Row>(
  { source, spec, options }: ScanRequest<Column, Row>,
  use: (row: Row) => void,
): Promise<TableScan> {
  const rejects = new RejectList(requireInteger('maxRejects', options.maxRejects ?? DEFAULT_MAX_REJECTS, 0))
  const files: FileDigest[] = []
  for await (const batch of readTableBatches(source, spec, options)) {
    for (const event of batch) {
      if (event.kind === 'rejected') rejects.add(event.rejected)
      else if (event.kind === 'file') files.push(event.file)
      else use(event.row)
    }
  }
  const rows = files.reduce((total, file) => total + file.rows, 0)
  return { source: { sha256: sourceSha256(files), files, rows }, rejects: rejects.summary() }
}
