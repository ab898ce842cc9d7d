import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { boundRow, type BenchRow } from '@cidadao/workspace/bench-report'
import type { BenchServer } from '../bench-server.ts'
import { appendGenerated } from '../generated-log.ts'

/** What may be added to what is used anyway, while a log of any length is read. */
const MAX_GROWTH_MB = 64

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory that `verify` holds on to at 100,000 and at 1,000,000 entries, after a collection: it must not grow. */
export async function millionRows(server: BenchServer): Promise<BenchRow[]> {
  const [small, large] = server.quick ? [5_000, 20_000] : [100_000, 1_000_000]
  const rows: BenchRow[] = []
  let size = 0
  for (const entries of [small, large]) {
    await appendGenerated(server.bare, entries - size)
    size = entries
    rows.push(...(await memoryOf(`verify, ${entries.toLocaleString('en')} entries`, (sample) => verifyAll(server, sample))))
  }
  return rows
}

async function verifyAll({ db }: BenchServer, sample: () => void): Promise<void> {
  const verification = await db.audit.verify(db.sql, { onProgress: sample })
  if (!verification.ok) throw new Error(`the bench's own log is broken: ${verification.detail}`)
}

async function memoryOf(name: string, work: (sample: () => void) => Promise<void>): Promise<BenchRow[]> {
  collectGarbage()
  const before = process.memoryUsage()
  let [heap, rss, calls] = [0, 0, 0]
  const startedMs = performance.now()
  await work(() => {
    rss = Math.max(rss, process.memoryUsage.rss())
    calls += 1
    if (calls % 20 > 0) return
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    heap = Math.max(heap, heapUsed + arrayBuffers)
  })
  const megabytes = (bytes: number): number => bytes / 2 ** 20
  return [
    boundRow(`${name}: heap held`, { value: megabytes(heap - before.heapUsed - before.arrayBuffers), unit: 'MB more' }, MAX_GROWTH_MB),
    boundRow(`${name}: process at most`, { value: megabytes(rss), unit: 'MB' }),
    boundRow(`${name}: time`, { value: (performance.now() - startedMs) / 1_000, unit: 's' }),
  ]
}
