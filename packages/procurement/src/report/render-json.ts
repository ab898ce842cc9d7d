import type { ReportInput } from './report-input.ts'

/** The report as it is, indented. */
export function renderJson(input: ReportInput): string {
  return `${JSON.stringify(input, null, 2)}\n`
}
