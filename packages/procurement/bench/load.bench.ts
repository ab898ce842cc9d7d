/**
 * Speed and memory of the loader and of all rules. Run from the package:
 *
 *   node --conditions=@cidadao/source bench/load.bench.ts [--json] [--contracts N] [--real FOLDER]
 *
 * `--contracts 2600000` makes a file of about 1 GB. Each measurement runs in a process of its own, so that peaks do not mix; `idle` is the same process before reading.
 * `csv-parse` alone reads the same file into arrays of strings, for comparison.
 */
import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { boundRow, ratioRow, reportBench, type BenchRow } from '@cidadao/workspace/bench-report'
import { parse } from 'csv-parse'
import { analyzePortal, analyzePortalItems, scanContracts, writeSyntheticPortal } from '../src/index.ts'

const MEASURES = ['load', 'load and all rules', 'csv-parse alone', 'items and their prices', 'csv-parse alone on items'] as const
type Measure = (typeof MEASURES)[number]
/** Synthetic files have no items. */
const OF_ITEMS: readonly Measure[] = ['items and their prices', 'csv-parse alone on items']

interface Measurement {
  readonly rows: number
  readonly cpuSeconds: number
  readonly rowsPerCpuSecond: number
  readonly idleMegabytes: number
  readonly peakMegabytes: number
  readonly overIdleMegabytes: number
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    contracts: { type: 'string', default: '200000' },
    real: { type: 'string', default: resolve(import.meta.dirname, '../../../../shared/data/portal-202401') },
    measure: { type: 'string' },
    source: { type: 'string' },
  },
})

async function report(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-bench-'))
  try {
    await writeSyntheticPortal(folder, { seed: 1, contracts: Number(values.contracts) })
    const sources = [...(existsSync(values.real) ? [{ name: 'real', path: values.real }] : []), { name: 'synthetic', path: folder }]
    const results = sources.flatMap(({ name, path }) =>
      MEASURES.filter((what) => name === 'real' || !OF_ITEMS.includes(what)).map((what) => ({
        source: name,
        what,
        ...measureApart(what, path),
      })),
    )
    reportBench(results.flatMap((result) => toRows(result, results)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Result extends Measurement {
  readonly source: string
  readonly what: Measure
}

/** CPU against csv-parse alone on the same file, and memory; the goals are for the official file of one month. */
function toRows(result: Result, all: readonly Result[]): BenchRow[] {
  const { source, what, rows, cpuSeconds, rowsPerCpuSecond, overIdleMegabytes } = result
  const name = `${source}, ${rows} rows: ${what}`
  const comparable: Measure = OF_ITEMS.includes(what) ? 'csv-parse alone on items' : 'csv-parse alone'
  const bare = all.find((other) => other.source === source && other.what === comparable)
  const figure = `${cpuSeconds.toFixed(2)} s of CPU, ${Math.round(rowsPerCpuSecond)} rows/s`
  const isGoal = source === 'real' && what === 'load and all rules'
  return [
    ratioRow(`${name}, CPU`, figure, cpuSeconds / (bare?.cpuSeconds ?? Number.NaN)),
    ...(isGoal ? [boundRow(`${name}, CPU`, { value: cpuSeconds, unit: 's of CPU' }, 2)] : []),
    boundRow(`${name}, memory over idle`, { value: overIdleMegabytes, unit: 'MB' }, isGoal ? 200 : undefined),
  ]
}

function measureApart(what: Measure, source: string): Measurement {
  const command = ['--conditions=@cidadao/source', import.meta.filename, '--measure', what, '--source', source]
  return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8' })) as Measurement
}

async function measure(what: Measure, source: string): Promise<Measurement> {
  const idle = process.memoryUsage().rss
  const start = process.cpuUsage()
  const rows = await RUN[what](source)
  const { user, system } = process.cpuUsage(start)
  const cpuSeconds = (user + system) / 1e6
  // The kernel's own peak, in kilobytes, misses nothing between two samples.
  const peak = process.resourceUsage().maxRSS * 1024
  const [idleMegabytes, peakMegabytes] = [idle / 1e6, peak / 1e6]
  return {
    rows,
    cpuSeconds,
    rowsPerCpuSecond: rows / cpuSeconds,
    idleMegabytes,
    peakMegabytes,
    overIdleMegabytes: peakMegabytes - idleMegabytes,
  }
}

const RUN: Readonly<Record<Measure, (source: string) => Promise<number>>> = {
  load: async (source) => (await scanContracts(source, {}, () => undefined)).source.rows,
  'load and all rules': async (source) => (await analyzePortal(source)).source.rows,
  'items and their prices': async (source) => (await analyzePortalItems(source)).source.rows,
  'csv-parse alone': (source) => parseAlone(join(source, '202401_Compras.csv')),
  'csv-parse alone on items': (source) => parseAlone(join(source, '202401_ItemCompra.csv')),
}

async function parseAlone(path: string): Promise<number> {
  let rows = -1
  const parser = createReadStream(path).pipe(parse({ delimiter: ';', encoding: 'latin1' }))
  for await (const row of parser as AsyncIterable<readonly string[]>) rows += row.length > 0 ? 1 : 0
  return rows
}

if (values.measure !== undefined && values.source !== undefined) {
  process.stdout.write(JSON.stringify(await measure(MEASURES.find((name) => name === values.measure) ?? 'load', values.source)))
} else {
  await report()
}
