import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { exportAuditLog } from '../src/audit/export/audit-export.ts'
import { writeAuditExport } from '../src/audit/export/export-file.ts'
import type { ExportHeader } from '../src/audit/export/export-format.ts'
import { storedCheckpoints } from '../src/audit/proofs/checkpoint-source.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'
import { signCheckpoint, verifyCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { collect, openSignedLog, runVerifier, type SignedLog } from './fixtures/signed-log.ts'

const ORIGIN = 'audit.example/exported'
const LAST = 700

setFlagsFromString('--expose-gc')

let signed: SignedLog

beforeAll(async () => {
  signed = await openSignedLog(ORIGIN, LAST)
  await signed.checkpoint(600)
})

afterAll(async () => {
  await signed.database.close()
})

function exported(range: { readonly from?: number; readonly to?: number } = {}): Promise<string> {
  return collect(exportAuditLog(signed.pool, { ...signed.keys, ...range }))
}

async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-export-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const key = (): readonly string[] => ['--vkey', signed.signer.vkey]

/** Rewrites the first or the last line. */
function edited(text: string, at: 'header' | 'footer', change: Readonly<Record<string, unknown>>): string {
  const lines = text.split('\n')
  const index = at === 'header' ? 0 : lines.length - 2
  lines[index] = JSON.stringify({ ...(JSON.parse(lines[index] ?? '') as object), ...change })
  return lines.join('\n')
}

describe('an export', () => {
  it('holds every payload as it is hashed, between a header and a footer', async () => {
    const lines = (await exported()).split('\n')
    const { rows } = await signed.pool.query<{ payload: string }>('SELECT payload FROM audit_logs ORDER BY seq')
    expect(lines.slice(1, -2)).toEqual(rows.map(({ payload }) => payload))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ format: 'cidadao-audit-export/v1', origin: ORIGIN, from: 1, to: LAST, frontier: [] })
    expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({ format: 'cidadao-audit-export/v1/end', count: LAST, consistency: [] })
    expect(lines.at(-1)).toBe('')
  })

  it.each([
    [1, 700],
    [1, 600],
    [1, 599],
    [1, 1],
    [2, 2],
    [256, 257],
    [257, 600],
    [300, 450],
    [513, 700],
    [600, 700],
  ])('of the entries %i to %i is accepted by the single-file verifier', async (from, to) => {
    const run = await runVerifier({ 'export.jsonl': await exported({ from, to }) }, 'export.jsonl', ...key())
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).toContain(`verified: entries ${from} to ${to} of ${ORIGIN}\n`)
    expect(run.stdout).toContain(`  signed   entries up to ${Math.min(to, 600)}\n`)
    expect(run.stdout.includes('UNSIGNED entries 601 to 700')).toBe(to > 600)
  })

  it('says what no checkpoint covers, and without any is accepted only by who asks for that', async () => {
    const text = await exported({ from: 650 })
    expect((JSON.parse(text.split('\n')[0] ?? '') as ExportHeader).checkpoint).toBeNull()
    expect(await runVerifier({ e: text }, 'e', ...key())).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no signed checkpoint') as string,
    })
    const run = await runVerifier({ e: text }, 'e', '--unsigned')
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('UNSIGNED entries 650 to 700') as string })
  })

  it('can be read from standard output of another program, and says where its key comes from', async () => {
    const run = await runVerifier({ e: await exported() }, 'e')
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`taken from the file itself`) as string })
    expect(run.stdout).toContain(signed.signer.vkey)
  })

  it('is compared with a checkpoint that the auditor kept', async () => {
    const text = await exported()
    const run = await runVerifier({ e: text, kept: await signed.noteAt(650) }, 'e', '--checkpoint', 'kept', ...key())
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('signed   entries up to 650') as string })
    const other = signCheckpoint({ origin: ORIGIN, size: 650, root: Buffer.alloc(32, 3) }, [signed.signer])
    expect(await runVerifier({ e: text, kept: other }, 'e', '--checkpoint', 'kept', ...key())).toMatchObject({ exitCode: 1, stdout: '' })
    const { checkpoint: longer } = { checkpoint: signCheckpoint({ origin: ORIGIN, size: 900, root: Buffer.alloc(32, 3) }, [signed.signer]) }
    expect(await runVerifier({ e: text, kept: longer }, 'e', '--checkpoint', 'kept', ...key())).toMatchObject({ exitCode: 1 })
  })

  it('refuses ranges that are not there, and checkpoints that the log did not sign', async () => {
    for (const range of [{ from: 0 }, { to: 701 }, { from: 10, to: 8 }, { from: 702 }]) {
      await expect(exported(range), JSON.stringify(range)).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    }
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const options = { ...signed.keys, vkeys: [stranger.vkey] }
    await expect(collect(exportAuditLog(signed.pool, options))).rejects.toMatchObject({ code: 'DB_AUDIT_FORMAT_INVALID' })
  })

  it('does not hide a missing entry', async () => {
    const client = await signed.pool.connect()
    try {
      await client.query(
        'BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL; ALTER TABLE audit_private DROP CONSTRAINT audit_private_entry_id_fkey',
      )
      expect((await client.query('DELETE FROM audit_logs WHERE seq = 620')).rowCount).toBe(1)
      const keys = { ...signed.keys, checkpoints: storedCheckpoints(client) }
      await expect(collect(exportAuditLog(client, keys))).rejects.toMatchObject({ code: 'DB_AUDIT_TREE_MISMATCH' })
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  })
})

describe('the single-file verifier refuses an export (pitfall 28)', () => {
  const attacks: readonly (readonly [name: string, attack: (lines: string[]) => string[]])[] = [
    ['with one entry edited', (lines) => lines.map((line, n) => (n === 77 ? line.replace('276048.96', '1.00') : line))],
    ['with the first entry edited', (lines) => lines.map((line, n) => (n === 1 ? line.replace('log.open', 'log.shut') : line))],
    ['with the last entry edited', (lines) => lines.map((line, n) => (n === lines.length - 3 ? line.replace('276048.96', '1.00') : line))],
    ['with one entry left out', (lines) => lines.toSpliced(77, 1)],
    ['with one entry twice', (lines) => lines.toSpliced(77, 0, lines[77] ?? '')],
    ['with two entries swapped', (lines) => lines.toSpliced(77, 2, lines[78] ?? '', lines[77] ?? '')],
    ['with a blank between two entries', (lines) => lines.toSpliced(77, 0, '')],
    ['with white space in an entry', (lines) => lines.map((line, n) => (n === 77 ? line.replace(',', ', ') : line))],
    ['re-serialised with members in another order', (lines) => lines.map((line, n) => (n === 77 ? reordered(line) : line))],
    ['cut off in the middle', (lines) => lines.slice(0, 400)],
    ['cut off in the middle of a line', (lines) => [...lines.slice(0, 400), '{"action":"anom']],
    ['without its last line', (lines) => lines.slice(0, -2)],
    ['with something after its last line', (lines) => [...lines.slice(0, -1), '{}', '']],
    ['that is empty', () => []],
    ['that is something else', () => ['{"format":"another"}', '']],
    ['with a header of the wrong kind', (lines) => ['{"format":"cidadao-audit-export/v1"}', ...lines.slice(1)]],
  ]

  it.each(attacks)('%s', async (_name, attack) => {
    const text = await exported()
    const forged = attack(text.split('\n')).join('\n')
    expect(forged).not.toBe(text)
    const run = await runVerifier({ e: forged }, 'e', ...key())
    expect(run).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/^REFUSED: /) as string })
  })

  it('whose header or footer was changed', async () => {
    const text = await exported({ from: 100, to: 300 })
    const header = JSON.parse(text.split('\n')[0] ?? '') as ExportHeader
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const verdict = verifyCheckpoint(header.checkpoint ?? '', signed.signer.vkey)
    if (verdict.outcome === 'refused') throw new Error(verdict.reason)
    const changes: readonly (readonly ['header' | 'footer', Readonly<Record<string, unknown>>])[] = [
      ['header', { origin: 'audit.example/other' }],
      ['header', { from: 101 }],
      ['header', { to: 299 }],
      ['header', { to: 301 }],
      ['header', { prev: '0'.repeat(64) }],
      ['header', { frontier: header.frontier.slice(1) }],
      ['header', { frontier: [...header.frontier].reverse() }],
      ['header', { frontier: header.frontier.map(() => '0'.repeat(64)) }],
      ['header', { checkpoint: null }],
      ['header', { checkpoint: signCheckpoint(verdict.checkpoint, [stranger]), vkeys: [stranger.vkey] }],
      ['header', { checkpoint: header.checkpoint?.replace('\n600\n', '\n601\n') }],
      ['header', { checkpoint: await signed.noteAt(50) }],
      ['footer', { hash_chain: '0'.repeat(64) }],
      ['footer', { consistency: [] }],
      ['footer', { consistency: ['A'.repeat(43) + '='] }],
      ['footer', { format: 'another' }],
    ]
    for (const [at, change] of changes) {
      const run = await runVerifier({ e: edited(text, at, change) }, 'e', ...key())
      expect(run, `${at} ${JSON.stringify(change)}`).toMatchObject({ exitCode: 1, stdout: '' })
    }
  })

  it('whose whole history was rewritten with right hashes, by the signature alone', async () => {
    const other = await openSignedLog(ORIGIN, 50)
    onTestFinished(() => other.database.close())
    const thief = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const note = verifyCheckpoint(await other.noteAt(50), other.signer.vkey)
    if (note.outcome === 'refused') throw new Error(note.reason)
    const keys = { origin: ORIGIN, vkeys: [thief.vkey], checkpoints: async () => signCheckpoint(note.checkpoint, [thief]) }
    const forged = await collect(exportAuditLog(other.pool, keys))
    expect(await runVerifier({ e: forged }, 'e')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('taken from the file') as string,
    })
    expect(await runVerifier({ e: forged }, 'e', ...key())).toMatchObject({ exitCode: 1, stdout: '' })
    // Who kept a checkpoint of the real log notices as well, even with the log's own key stolen.
    const kept = await signed.noteAt(40)
    const stolen = { ...keys, vkeys: [signed.signer.vkey], checkpoints: () => other.noteAt(50) }
    const withKey = await collect(exportAuditLog(other.pool, stolen))
    expect(await runVerifier({ e: withKey }, 'e', ...key())).toMatchObject({ exitCode: 0 })
    expect(await runVerifier({ e: withKey, kept }, 'e', '--checkpoint', 'kept', ...key())).toMatchObject({ exitCode: 1, stdout: '' })
  })
})

function reordered(line: string): string {
  return JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).reverse()))
}

describe('a stream', () => {
  it('reads no further than it is asked to, tells how far it is, and stops when told to', async () => {
    const progress: number[] = []
    const stop = new AbortController()
    const options = {
      ...signed.keys,
      batchSize: 100,
      signal: stop.signal,
      onProgress: ({ exported: done }: { readonly exported: number }) => progress.push(done),
    }
    const lines = exportAuditLog(signed.pool, options)
    for (let n = 0; n < 3; n += 1) await lines.next()
    expect(progress).toEqual([100])
    await lines.next()
    expect(progress).toEqual([100, 200])
    stop.abort(new Error('shutting down'))
    await expect(lines.next()).rejects.toThrow('shutting down')
    expect((await lines.next()).done).toBe(true)
  })

  it('leaves out what is appended meanwhile', async () => {
    const lines = exportAuditLog(signed.pool, { ...signed.keys, from: 690, batchSize: 2 })
    const first = String((await lines.next()).value)
    const client = await signed.pool.connect()
    try {
      await client.query('BEGIN')
      await signed.log.append(client, [{ actor: { kind: 'system' }, action: 'tick.counted' }])
      const rest = await collect(lines)
      expect(first + rest).toBe(await exported({ from: 690, to: LAST }))
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  })
})

describe('fifty thousand entries', () => {
  it('pass with memory that does not grow, in an export and in a verification', async () => {
    const large = await openSignedLog('audit.example/large', 2)
    onTestFinished(() => large.database.close())
    // As the library writes them, but made by the server: 50,000 round trips prove nothing here.
    const generated = `SELECT FROM audit_append(ARRAY(SELECT '{"action":"tick.counted","agent":"system","data":{"n":' || n || ',"text":"'
      || repeat('x', 400) || '"},"id":"' || gen_random_uuid() || '","investigation":null,"log":"audit.example/large","ts":"2024-01-31T12:00:00.000000Z","v":1}'
      FROM generate_series(1, 10000) AS n))`
    for (let round = 0; round < 5; round += 1) await large.pool.query(generated)
    const collectGarbage = runInNewContext('gc') as () => void
    const heap: number[] = []
    const measured = ({ exported: done }: { readonly exported: number }): void => {
      if (done % 10_000 !== 0) return
      collectGarbage()
      heap.push(process.memoryUsage().heapUsed)
    }
    let bytes = 0
    for await (const text of exportAuditLog(large.pool, { ...large.keys, onProgress: measured })) bytes += text.length
    await large.log.verify(large.pool, { onProgress: ({ checked }) => measured({ exported: checked }) })
    expect(bytes).toBeGreaterThan(25_000_000)
    expect(heap.length).toBe(10)
    // What passed after the first 10,000 entries is four times 5 MB a run; none of it may still be there.
    expect(Math.max(...heap) - Math.min(...heap)).toBeLessThan(10_000_000)
  }, 120_000)
})

describe('a file', () => {
  it('gets its name when it is whole, with the hash of what it holds', async () => {
    const folder = await tempFolder()
    const path = join(folder, 'audit.jsonl')
    const file = await writeAuditExport(signed.pool, path, { ...signed.keys, to: 500 })
    const bytes = await readFile(path)
    expect(file).toEqual({
      path,
      from: 1,
      to: 500,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      outcome: 'written',
    })
    expect(bytes.toString()).toBe(await exported({ to: 500 }))
    expect(await readdir(folder)).toEqual(['audit.jsonl'])
  })

  it.each([0, 1, 250, 251, 499, 500])(
    'that was broken off after %i entries is gone on with, whatever is torn at its end',
    async (entries) => {
      const whole = await exported({ to: 500 })
      const lines = whole.split('\n')
      for (const torn of ['', '{"action":"anom', lines[entries + 1]?.slice(0, 30) ?? '']) {
        const folder = await tempFolder()
        const path = join(folder, 'audit.jsonl')
        await writeFile(`${path}.partial`, [...lines.slice(0, entries + 1), torn].join('\n'))
        // Its own range counts, not the one asked for now.
        const file = await writeAuditExport(signed.pool, path, { ...signed.keys, to: 600 })
        expect(file).toMatchObject({ from: 1, to: 500, outcome: 'resumed' })
        expect(await readFile(path, 'utf8')).toBe(whole)
      }
    },
  )

  it('begins anew where not even its first line was written, or where it stopped between footer and name', async () => {
    const whole = await exported({ to: 500 })
    for (const partial of ['', '{"format":"cidadao-aud', whole, whole.slice(0, -5)]) {
      const path = join(await tempFolder(), 'audit.jsonl')
      await writeFile(`${path}.partial`, partial)
      await writeAuditExport(signed.pool, path, { ...signed.keys, to: 500 })
      expect(await readFile(path, 'utf8')).toBe(whole)
    }
  })

  it('keeps what it has when it is stopped, so that it can be gone on with', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    const stop = new AbortController()
    const onProgress = ({ exported: done }: { readonly exported: number }): void => {
      if (done >= 200) stop.abort(new Error('enough'))
    }
    const options = { ...signed.keys, to: 500, batchSize: 100 }
    await expect(writeAuditExport(signed.pool, path, { ...options, onProgress, signal: stop.signal })).rejects.toThrow('enough')
    const file = await writeAuditExport(signed.pool, path, options)
    expect(file.outcome).toBe('resumed')
    expect(await readFile(path, 'utf8')).toBe(await exported({ to: 500 }))
  })
})
