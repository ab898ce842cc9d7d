import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What one project's tests came to, read from the JSON report that vitest wrote. */
export interface ProjectReport {
  /** Folder of the project, relative to the workspace root. */
  readonly folder: string
  readonly passed: number
  readonly failed: number
  /** Full names of the skipped tests: a skip must be seen, with the reason that its title gives. */
  readonly skipped: readonly string[]
}

export interface Totals {
  readonly passed: number
  readonly failed: number
  /** Folders of projects whose tests left no report, or ran none. */
  readonly withoutTests: readonly string[]
}

interface VitestReport {
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** Reads the report of each project; one without a report counts as having run no test. */
export async function readTestReports(root: string, folders: readonly string[]): Promise<ProjectReport[]> {
  return Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(join(root, folder, 'test-output/vitest.json'), 'utf8').catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        throw error
      })
      return text === undefined ? { folder, passed: 0, failed: 0, skipped: [] } : toProjectReport(folder, JSON.parse(text) as VitestReport)
    }),
  )
}

/** A file that failed before its first test (a broken import, say) is one failure: it must not vanish from the count. */
export function toProjectReport(folder: string, report: VitestReport): ProjectReport {
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return {
    folder,
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter((test) => test.status === 'failed').length + brokenFiles.length,
    skipped: tests.filter((test) => test.status !== 'passed' && test.status !== 'failed').map((test) => test.fullName),
  }
}

export function totalsOf(reports: readonly ProjectReport[]): Totals {
  return {
    passed: reports.reduce((sum, report) => sum + report.passed, 0),
    failed: reports.reduce((sum, report) => sum + report.failed, 0),
    withoutTests: reports.filter((report) => report.passed + report.failed === 0).map((report) => report.folder),
  }
}

/** A table for the terminal, followed by every skipped test by name. */
export function formatSummary(reports: readonly ProjectReport[]): string {
  const width = Math.max(...reports.map((report) => report.folder.length))
  const rows = reports.map((report) => {
    const counts = [`${report.passed} passed`, `${report.failed} failed`, `${report.skipped.length} skipped`]
    return `${report.folder.padEnd(width)}  ${counts.map((count) => count.padStart(12)).join('')}`
  })
  const skipped = reports.flatMap((report) => report.skipped.map((name) => `skipped: ${report.folder} › ${name}`))
  return [...rows, ...skipped].join('\n')
}
