import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { boundRow, reportBench, type BenchRow } from '@cidadao/workspace/bench-report'

/** The whole as a person sees it: how long until it is ready, what an investigation costs. */

const ROOT = join(import.meta.dirname, '../../..')
const BIN = join(ROOT, 'apps/orchestrator/bin/cidadao.mjs')
const NODE_FLAGS = ['--conditions=@cidadao/source', '--disable-warning=ExperimentalWarning']

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn(process.execPath, [...NODE_FLAGS, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${String(code)}`)
  return Buffer.concat(chunks).toString()
}

async function startRow(folder: string): Promise<BenchRow> {
  const env = { ...process.env, CIDADAO_DATA_DIR: join(folder, 'data'), CIDADAO_HTTP_PORT: '0', CIDADAO_LOG_LEVEL: 'error' }
  const startOnce = async (): Promise<number> => {
    const sinceMs = performance.now()
    const child = spawn(process.execPath, [...NODE_FLAGS, BIN, 'start'], { stdio: ['ignore', 'pipe', 'inherit'], env })
    await listening(child)
    const elapsed = performance.now() - sinceMs
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('close', resolve))
    return elapsed
  }
  await startOnce() // makes the data folder
  return boundRow('start to ready, warm', { value: (await startOnce()) / 1_000, unit: 's' }, 5)
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('http://')) resolve()
    })
    child.once('close', (code) => reject(new Error(`start exited with ${String(code)}`)))
  })
}

async function investigationRow(source: string, folder: string): Promise<BenchRow> {
  const usage = join(folder, 'usage.json')
  await run([join(import.meta.dirname, 'investigation-probe.ts'), source, usage], { CIDADAO_DATA_DIR: join(folder, 'data') })
  const { cpuSeconds } = JSON.parse(await readFile(usage, 'utf8')) as { readonly cpuSeconds: number }
  return boundRow('whole investigation by the CLI, first time, all threads', { value: cpuSeconds, unit: 's of CPU' })
}

const folder = await mkdtemp(join(tmpdir(), 'cidadao-bench-'))
// As root, PostgreSQL runs as another user, who has to come through here.
await chmod(folder, 0o755)
try {
  const official = join(process.env.TEST_DATA_DIR ?? join(ROOT, '../shared/data'), 'portal-202401')
  const hasOfficial = existsSync(official)
  const source = hasOfficial ? official : join(folder, 'synthetic')
  if (!hasOfficial) await writeSyntheticPortal(source, { seed: 1, contracts: 3_810 })
  reportBench([await startRow(folder), await investigationRow(source, folder)])
} finally {
  await rm(folder, { recursive: true, force: true })
}
