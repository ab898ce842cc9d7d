import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** What one project's tests came to, read from the JSON report that vitest wrote. */
export interface ProjectReport {
  /** Folder of the project, relative to the workspace root. */
  readonly folder: string
  readonly passed: number
  readonly failed: number
  /** Full names of what failed, files that broke before their first test included, each with the first line of why. */
  readonly failures: readonly string[]
  /** Full names of the tests that failed and then passed at the second try: they count as passed, and want mending. */
  readonly flaky: readonly string[]
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
    readonly name?: string
    readonly message?: string
    readonly assertionResults: readonly TestResult[]
  }[]
}

interface TestResult {
  readonly status: string
  readonly fullName: string
  /** Of every try, also where a later one passed. */
  readonly failureMessages?: readonly string[]
}

/** Reads the report of each project; one without a report counts as having run no test. */
export async function readTestReports(root: string, folders: readonly string[]): Promise<ProjectReport[]> {
  return Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(join(root, folder, 'test-output/vitest.json'), 'utf8').catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        throw error
      })
      return toProjectReport(folder, text === undefined ? { testResults: [] } : (JSON.parse(text) as VitestReport))
    }),
  )
}

/** A file that failed before its first test (a broken import, say) is one failure: it must not vanish from the count. */
export function toProjectReport(folder: string, report: VitestReport): ProjectReport {
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const passed = tests.filter((test) => test.status === 'passed')
  const failures = [
    ...tests.filter((test) => test.status === 'failed').map(describeFailure),
    ...brokenFiles.map(({ name = 'a file', message = '' }) => `${basename(name)}: ${firstLine(message)}`),
  ]
  return {
    folder,
    passed: passed.length,
    failed: failures.length,
    failures,
    flaky: passed.filter((test) => (test.failureMessages ?? []).length > 0).map(describeFailure),
    skipped: tests.filter((test) => test.status !== 'passed' && test.status !== 'failed').map((test) => test.fullName),
  }
}

function describeFailure({ fullName, failureMessages = [] }: TestResult): string {
  return `${fullName}: ${firstLine(failureMessages[0] ?? '')}`
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.slice(0, 200) ?? ''
}

export function totalsOf(reports: readonly ProjectReport[]): Totals {
  return {
    passed: reports.reduce((sum, report) => sum + report.passed, 0),
    failed: reports.reduce((sum, report) => sum + report.failed, 0),
    withoutTests: reports.filter((report) => report.passed + report.failed === 0).map((report) => report.folder),
  }
}

/** A table for the terminal, followed by every test by name that was skipped, needed a second try, or failed. */
export function formatSummary(reports: readonly ProjectReport[]): string {
  const width = Math.max(...reports.map((report) => report.folder.length))
  const rows = reports.map((report) => {
    const counts = [`${report.passed} passed`, `${report.failed} failed`, `${report.skipped.length} skipped`]
    return `${report.folder.padEnd(width)}  ${counts.map((count) => count.padStart(12)).join('')}`
  })
  const named = (label: string, namesOf: (report: ProjectReport) => readonly string[]): string[] =>
    reports.flatMap((report) => namesOf(report).map((name) => `${label}: ${report.folder} › ${name}`))
  return [
    ...rows,
    ...named('skipped', ({ skipped }) => skipped),
    ...named('passed at the second try', ({ flaky }) => flaky),
    ...named('failed', ({ failures }) => failures),
  ].join('\n')
}
