import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { benchTable, type BenchRow } from '@cidadao/workspace/bench-report'
import { findBenches } from './find-benches.ts'
import { performancePage, type BenchResult } from './performance-page.ts'

/** `npm run bench [-- FILTER]`: runs the benchmarks one after the other; without a filter, writes docs/performance.md. */

const ROOT = join(import.meta.dirname, '../../..')
const LONGEST_MS = 15 * 60_000

async function runBench(file: string): Promise<readonly BenchRow[]> {
  const args = ['--conditions=@cidadao/source', '--disable-warning=ExperimentalWarning', file, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: LONGEST_MS, maxBuffer: 64 * 2 ** 20 })
  return (JSON.parse(stdout) as { readonly rows: readonly BenchRow[] }).rows
}

async function main(filter: string | undefined): Promise<number> {
  const results: BenchResult[] = []
  const failed: string[] = []
  for (const file of await findBenches(ROOT)) {
    if (filter !== undefined && !file.includes(filter)) continue
    process.stderr.write(`── ${file}\n`)
    try {
      const rows = await runBench(file)
      results.push({ file, rows })
      process.stdout.write(`${benchTable(rows)}\n\n`)
    } catch (error) {
      failed.push(file)
      process.stderr.write(`${file} failed: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  if (filter === undefined && failed.length === 0) await writeFile(join(ROOT, 'docs/performance.md'), performancePage(results, new Date()))
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv[2])
