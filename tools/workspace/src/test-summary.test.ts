import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { formatSummary, readTestReports, toProjectReport, totalsOf } from './test-summary.ts'

const folders: string[] = []
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))))

describe('the test summary', () => {
  it('sums passed and failed tests over all packages and names the skipped ones', () => {
    const report = toProjectReport('packages/a', {
      testResults: [
        {
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'one' },
            { status: 'failed', fullName: 'two', failureMessages: ['not so\n    at two'] },
            { status: 'pending', fullName: 'three (no engine here)' },
          ],
        },
      ],
    })
    expect(report).toEqual({
      folder: 'packages/a',
      passed: 1,
      failed: 1,
      failures: ['two: not so'],
      flaky: [],
      skipped: ['three (no engine here)'],
    })
    expect(formatSummary([report])).toContain('skipped: packages/a › three (no engine here)')
    expect(formatSummary([report])).toContain('failed: packages/a › two: not so')
  })

  it('names a test that passed only at the second try', () => {
    const assertionResults = [{ status: 'passed', fullName: 'one', failureMessages: ['too late'] }]
    const report = toProjectReport('packages/a', { testResults: [{ status: 'passed', assertionResults }] })
    expect(report).toMatchObject({ passed: 1, failed: 0, flaky: ['one: too late'] })
    expect(formatSummary([report])).toContain('passed at the second try: packages/a › one: too late')
  })

  it('counts a test file that broke before its first test as a failure', () => {
    const report = toProjectReport('packages/a', { testResults: [{ status: 'failed', assertionResults: [] }] })
    expect(report.failed).toBe(1)
  })

  it('names the packages that ran no test, with or without a report', async () => {
    const root = await mkdtemp(join(tmpdir(), 'summary-'))
    folders.push(root)
    await mkdir(join(root, 'packages/empty/test-output'), { recursive: true })
    await writeFile(join(root, 'packages/empty/test-output/vitest.json'), JSON.stringify({ testResults: [] }))
    const totals = totalsOf(await readTestReports(root, ['packages/empty', 'packages/missing']))
    expect(totals.withoutTests).toEqual(['packages/empty', 'packages/missing'])
  })
})
