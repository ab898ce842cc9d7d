import { parseArgs } from 'node:util'
import { reportBench, type BenchRow } from '@cidadao/workspace/bench-report'
import { startBenchServer, type BenchServer } from './bench-server.ts'
import { auditRows } from './sections/audit.ts'
import { bulkRows } from './sections/bulk.ts'
import { millionRows } from './sections/million.ts'
import { readRows } from './sections/read.ts'
import { saveRows } from './sections/save.ts'

/*
 * The hot paths of the database beside the bare driver and beside Prisma, on one real server that writes through to the
 * disk. Rounds of all contestants take turns; a ratio is the median over the rounds: 0.9 is nine tenths of the speed.
 *
 *   node --conditions=@cidadao/source bench/database.bench.ts [--json] [--quick] [--only save|read|bulk|audit] [--million]
 *
 * `--million` also builds an audit log of 1,000,000 entries and shows the memory of what reads all of it.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    million: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})

const SECTIONS: Readonly<Record<string, (server: BenchServer) => Promise<BenchRow[]>>> = {
  save: saveRows,
  read: readRows,
  bulk: bulkRows,
  audit: auditRows,
  ...(values.million ? { million: millionRows } : {}),
}

const server = await startBenchServer(values.quick)
try {
  const rows: BenchRow[] = []
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (values.only === undefined || values.only === name) rows.push(...(await section(server)))
  }
  reportBench(rows)
} finally {
  await server.stop()
}
