import type { RowPosition } from '../contracts/contract.ts'
import type { CsvDialect } from './csv-dialect.ts'
import type { ColumnPositions } from './header.ts'
import type { RejectedRow, RowProblem } from './rejected-row.ts'
import type { WantedFiles } from '../source/source-file.ts'

export type RowResult<Row> = { readonly kind: 'row'; readonly row: Row } | { readonly kind: 'problem'; readonly problem: RowProblem }

/** Makes a row of the fields of one record. Reads nothing else and throws nothing. */
export type RowReader<Row> = (fields: readonly string[], position: RowPosition) => RowResult<Row>

/** One kind of official file: where it is found, how it is written, what its rows mean. */
export interface TableSpec<Column extends string, Row> {
  readonly files: WantedFiles
  readonly dialect: CsvDialect
  readonly columns: readonly Column[]
  createRowReader(positions: ColumnPositions<Column>): RowReader<Row>
}

/** What was read of one file, known at its end. */
export interface FileDigest {
  readonly name: string
  readonly bytes: number
  /** Of the content as it was read; the same whether it lay in a folder or in a ZIP. */
  readonly sha256: string
  /** Data rows, broken ones included. */
  readonly rows: number
  readonly rejectedRows: number
}

/** What a reader yields: rows good and broken in the order of the file, and at the end of each file its digest. */
export type TableEvent<Row> =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'rejected'; readonly rejected: RejectedRow }
  | { readonly kind: 'file'; readonly file: FileDigest }
