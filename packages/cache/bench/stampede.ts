import { startRedis } from '@cidadao/testing'
import { boundRow, type BenchRow } from '@cidadao/workspace/bench-report'
import { startCacheProcess } from '../test/cache-process.ts'

const CALLERS = 10_000
const FACTORY_MS = 100

/** Ten thousand cold callers over one, two and four processes: how often the factory runs. */
export async function stampedes(): Promise<BenchRow[]> {
  const server = await startRedis()
  const rows: BenchRow[] = []
  try {
    for (const processes of [1, 2, 4]) {
      const environment = `bench-${processes}`
      const options = { nodes: [{ host: server.host, port: server.port }], password: null, environment }
      const caches = await Promise.all(Array.from({ length: processes }, () => startCacheProcess(options)))
      const order = { do: 'load', key: 'cold', callers: CALLERS / processes, factoryMs: FACTORY_MS } as const
      const loaded = (await Promise.all(caches.map((cache) => cache.ask(order)))) as { readonly runs: number }[]
      const runs = loaded.reduce((total, { runs: own }) => total + own, 0)
      rows.push(boundRow(`factory runs for ${CALLERS} cold callers, ${processes} processes`, { value: runs, unit: 'runs' }, 1))
      await Promise.all(caches.map((cache) => cache.kill()))
    }
  } finally {
    await server.stop()
  }
  return rows
}
