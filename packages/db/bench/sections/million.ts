import { randomBytes } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { boundRow, type BenchRow } from '@cidadao/workspace/bench-report'
import { AuditTree, createNoteSigner, exportAuditLog, signCheckpoint } from '../../src/index.ts'
import { ORIGIN, type BenchServer } from '../bench-server.ts'
import { appendGenerated } from '../generated-log.ts'

/** What may be added to what is used anyway, while a log of any length is read. */
const MAX_GROWTH_MB = 64

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory that `verify` and `export` hold at 100,000 and at 1,000,000 entries, after a collection: it must not grow. */
export async function millionRows(server: BenchServer): Promise<BenchRow[]> {
  const sizes = server.quick ? [2_000, 5_000] : [100_000, 1_000_000]
  const rows: BenchRow[] = []
  await loosen(server)
  for (const size of sizes) {
    await appendGenerated(server.bare, size - (await sizeOf(server)))
    const entries = `${size.toLocaleString('en')} entries`
    rows.push(...(await memoryOf(`verify, ${entries}`, (sample) => verifyAll(server, sample))))
    const checkpoint = await checkpointOf(server, size)
    rows.push(...(await memoryOf(`export, ${entries}`, (sample) => exportAll(server, checkpoint, sample))))
  }
  return rows
}

/** The entries are valid; what checks and looks them up in other ways would only make a million take much longer. */
async function loosen({ bare }: BenchServer): Promise<void> {
  await bare.query('ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_payload_check')
  await bare.query('DROP INDEX idx_audit_investigation, idx_audit_agent, idx_audit_timestamp')
}

async function sizeOf({ bare }: BenchServer): Promise<number> {
  const { rows } = await bare.query<{ seq: string }>('SELECT seq FROM audit_head')
  return Number(rows[0]?.seq)
}

async function verifyAll({ db }: BenchServer, sample: () => void): Promise<void> {
  const verification = await db.audit.verify(db.sql, { onProgress: sample })
  if (!verification.ok) throw new Error(`the bench's own log is broken: ${verification.detail}`)
}

interface SignedSize {
  readonly note: string
  readonly vkey: string
}

async function checkpointOf({ db }: BenchServer, size: number): Promise<SignedSize> {
  const signer = createNoteSigner(ORIGIN, randomBytes(32))
  const tree = new AuditTree()
  await tree.grow(db.sql, size)
  const note = signCheckpoint({ origin: ORIGIN, size, root: await tree.root(db.sql, size) }, [signer])
  return { note, vkey: signer.vkey }
}

async function exportAll({ db }: BenchServer, { note, vkey }: SignedSize, sample: () => void): Promise<void> {
  const lines = exportAuditLog(db.sql, { origin: ORIGIN, vkeys: [vkey], checkpoints: async () => note, onProgress: sample })
  await pipeline(Readable.from(lines), new Writable({ write: (_chunk, _encoding, done) => done() }))
}

async function memoryOf(name: string, work: (sample: () => void) => Promise<void>): Promise<BenchRow[]> {
  collectGarbage()
  const before = process.memoryUsage()
  let [heap, rss, calls] = [0, 0, 0]
  const startedMs = performance.now()
  await work(() => {
    rss = Math.max(rss, process.memoryUsage.rss())
    calls += 1
    if (calls % 20 !== 1) return
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
