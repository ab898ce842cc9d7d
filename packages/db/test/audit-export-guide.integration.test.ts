import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it, onTestFinished } from 'vitest'
import { exportAuditLog } from '../src/audit/export/audit-export.ts'
import { AuditProver } from '../src/audit/proofs/audit-prover.ts'
import { collect, openSignedLog, runVerifier } from './fixtures/signed-log.ts'

const ORIGIN = 'audit.example/guide'
const GUIDE = join(import.meta.dirname, '../../../docs/guides/audit.md')
const VERIFIER = join(import.meta.dirname, '../verifier/verify.mjs')

it('the guide for auditors gives commands that work, with nothing but Node and the files it names', async () => {
  const guide = await readFile(GUIDE, 'utf8')
  const commands = [...guide.matchAll(/^node verify\.mjs (.*)$/gm)].map(([, args = '']) => args.split(' '))
  expect(commands).toHaveLength(4)
  const signed = await openSignedLog(ORIGIN, 60)
  onTestFinished(() => signed.database.close())
  const kept = await signed.noteAt(20)
  await signed.checkpoint(60)
  const prover = new AuditProver(signed.keys)
  const { rows } = await signed.pool.query<{ id: string }>('SELECT id FROM audit_logs WHERE seq = 30')
  const files = {
    'export.jsonl': await collect(exportAuditLog(signed.pool, signed.keys)),
    'kept.note': kept,
    'entry.tlog-proof': (await prover.prove(signed.pool, rows[0]?.id ?? '')).text,
    'growth.txt': (await prover.consistency(signed.pool, 20)).text,
  }
  for (const args of commands) {
    const run = await runVerifier(files, ...args.map((arg) => (arg === '"$VKEY"' ? signed.signer.vkey : arg)))
    expect(run, args.join(' ')).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/^verified: /) as string })
  }
})

it('the verifier is as short as the guide says, needs only Node’s own modules, and shares no code with the writer (pitfall 28)', async () => {
  const source = await readFile(VERIFIER, 'utf8')
  const guide = await readFile(GUIDE, 'utf8')
  expect(guide).toContain(`has ${source.trimEnd().split('\n').length} lines`)
  const imports = [...source.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)|\brequire\(/g)].map(([, name]) => name)
  expect(imports).toEqual(['node:crypto', 'node:fs', 'node:util'])
})

it('an export of pruned entries and one of what is left fit together, and the log says where the first one is', async () => {
  const signed = await openSignedLog(ORIGIN, 60)
  onTestFinished(() => signed.database.close())
  const checkpoint = await signed.checkpoint(40)
  const older = await collect(exportAuditLog(signed.pool, { ...signed.keys, to: 40 }))
  const options = { to: 40, checkpoint, vkeys: signed.keys.vkeys, actor: { kind: 'system' } as const }
  await signed.log.prune(signed.pool, { ...options, archive: Readable.from([older]) })
  await signed.checkpoint(61)
  const newer = await collect(exportAuditLog(signed.pool, signed.keys))
  const told = newer.split('\n').find((line) => line.includes('"audit.pruned"')) ?? '{}'
  const sha256 = createHash('sha256').update(older).digest('hex')
  expect(JSON.parse(told)).toMatchObject({ data: { size: 40, archive_sha256: sha256 } })
  const [first, second] = [
    await runVerifier({ e: older }, 'e', '--vkey', signed.signer.vkey),
    await runVerifier({ e: newer }, 'e', '--vkey', signed.signer.vkey),
  ]
  expect([first.exitCode, second.exitCode]).toEqual([0, 0])
  const [, ending] = /chain {4}ends in (\w+)/.exec(first.stdout) ?? []
  expect(JSON.parse(newer.split('\n')[0] ?? '')).toMatchObject({ from: 41, prev: ending })
})
