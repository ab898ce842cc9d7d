import type { CrossCheck } from '../cross-check/cross-check.ts'
import type { SupplierTotal } from '../contracts/supplier-totals.ts'
import type { Finding } from '../findings/finding.ts'
import type { Language } from '../findings/number-text.ts'

/** What a report is made of: the results of an investigation, as they are stored. Plain JSON. */
export interface ReportInput {
  /** What was asked, in the words of who asked. */
  readonly question?: string
  readonly source: {
    readonly sha256: string
    readonly rows: number
    readonly files: readonly { readonly name: string; readonly sha256: string; readonly rows: number }[]
  }
  readonly summary: {
    readonly contracts: number
    readonly totalInitialValue: string
    readonly totalFinalValue: string
    readonly largestInitialValue: string | null
  }
  readonly rejects: { readonly total: number }
  readonly findings: readonly Finding[]
  /** What ought to be here and is not, by name. */
  readonly missing: readonly string[]
  readonly crossCheck?: CrossCheck
  readonly topSuppliers?: readonly SupplierTotal[]
}

export const REPORT_FORMATS = ['markdown', 'html', 'csv', 'json'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]

export interface ReportOptions {
  readonly format: ReportFormat
  /** @default 'pt' */
  readonly language?: Language
  /** Most records shown of each finding, in Markdown and HTML; CSV and JSON have all that the finding lists. @default 20 */
  readonly recordsShown?: number
}

/** A report of one language, as the formats for people use it. */
export interface ReportView {
  readonly input: ReportInput
  readonly language: Language
  readonly recordsShown: number
}
