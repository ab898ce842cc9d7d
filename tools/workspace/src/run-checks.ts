import { spawn } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { formatSummary, readTestReports, totalsOf } from './test-summary.ts'

/**
 * `npm test`: every check of every package, then the sum of the real test reports.
 * The last line is `N passed, N failed`; the exit code is 0 only when nothing failed and every package ran a test.
 */

const ROOT = join(import.meta.dirname, '../../..')
const TARGETS = ['generate', 'lint', 'typecheck', 'build', 'test']
const WORKSPACES = ['packages', 'apps', 'tools']

interface Check {
  readonly title: string
  readonly command: readonly [string, ...string[]]
}

const CHECKS: readonly Check[] = [
  { title: 'project references', command: ['nx', 'sync:check'] },
  { title: 'format', command: ['prettier', '--check', '--log-level=warn', '.'] },
  { title: TARGETS.join(', '), command: ['nx', 'run-many', '-t', ...TARGETS, '--nx-bail=false', '--output-style=static'] },
]

async function projectFolders(): Promise<string[]> {
  const folders: string[] = []
  for (const workspace of WORKSPACES) {
    for (const entry of await readdir(join(ROOT, workspace), { withFileTypes: true })) {
      if (entry.isDirectory()) folders.push(join(workspace, entry.name))
    }
  }
  return folders
}

function run([program, ...parameters]: Check['command']): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

async function main(): Promise<number> {
  const folders = await projectFolders()
  // Reports of an earlier run must not be counted; Nx restores those of a cached task.
  await Promise.all(folders.map((folder) => rm(join(ROOT, folder, 'test-output'), { recursive: true, force: true })))

  const failedChecks: string[] = []
  for (const check of CHECKS) {
    process.stdout.write(`\n── ${check.title}\n`)
    if ((await run(check.command)) !== 0) failedChecks.push(check.title)
  }

  const reports = await readTestReports(ROOT, folders)
  const totals = totalsOf(reports)
  process.stdout.write(`\n${formatSummary(reports)}\n`)
  for (const title of failedChecks) process.stdout.write(`check failed: ${title}\n`)
  for (const folder of totals.withoutTests) process.stdout.write(`ran no test: ${folder}\n`)
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed\n`)
  return failedChecks.length === 0 && totals.failed === 0 && totals.withoutTests.length === 0 ? 0 : 1
}

process.exitCode = await main()
