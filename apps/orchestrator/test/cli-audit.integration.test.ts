import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ERASURE_BASES, verifyConsistencyProof, verifyEntryProof } from '@cidadao/db'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASES } from '../src/cli/audit-commands.ts'
import type { CliResult } from './cli/cli-process.ts'
import { openWorkplace, type Workplace } from './cli/workplace.ts'

const TIMEOUT_MS = 180_000
const ORIGIN = 'audit.cidadao.local/embedded'
const VERIFIER = createRequire(import.meta.url).resolve('@cidadao/db/verify.mjs')
const CPF = '529.982.247-25'

let place: Workplace
let vkey = ''
/** Verifier keys of nobody here: well formed, and not this log's. */
const OTHER_KEY = `${ORIGIN}+00000000+${'A'.repeat(44)}`

beforeAll(async () => {
  place = await openWorkplace()
  for (const id of ['inv_1', 'inv_2', 'inv_3']) await save(id)
}, TIMEOUT_MS)
afterAll(() => place.close())

async function save(id: string): Promise<void> {
  await place.db.investigations.save(
    { id, userId: 'ana', query: 'Analise os contratos de 2024' },
    { audit: { actor: { kind: 'system' }, action: 'investigation.created', investigation: id, personal: { cpf: CPF, name: 'Maria' } } },
  )
}

async function json<T>(args: readonly string[], code = 0): Promise<T> {
  const result = await place.run([...args, '--json'])
  expect(result, result.stderr).toMatchObject({ code })
  return JSON.parse(result.stdout) as T
}

/** The shipped verifier as an auditor runs it: plain Node.js, no flags. */
function runVerifier(args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [VERIFIER, ...args], { cwd: place.folder, env: {} })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
  })
}

function expectRefusal(result: CliResult, { code, says }: { readonly code: 1 | 2; readonly says: readonly (string | RegExp)[] }): void {
  expect(result.stderr).toMatch(/^cidadao: [^\n]+\n$/)
  for (const part of says) expect(result.stderr).toMatch(part)
  expect(result).toMatchObject({ code, stdout: '' })
}

interface Entry {
  readonly seq: number
  readonly id: string
  readonly action: string
}

const entriesOf = (id: string): Promise<readonly Entry[]> => json<readonly Entry[]>(['audit', 'entries', id])

async function firstEntryOf(id: string): Promise<Entry> {
  const [entry] = await entriesOf(id)
  return entry ?? expect.unreachable('no entry')
}

describe('cidadao audit, on a log of the embedded database', { timeout: TIMEOUT_MS }, () => {
  it('prove before any checkpoint says which command makes one', async () => {
    const entry = await firstEntryOf('inv_1')
    expect(entry).toMatchObject({ action: 'investigation.created' })
    expectRefusal(await place.run(['audit', 'prove', entry.id]), {
      code: 1,
      says: ['run "cidadao audit checkpoint"', 'DB_AUDIT_CHECKPOINT_MISSING'],
    })
  })

  it('key prints the public key of a key that was made beside the database and is readable by its owner alone', async () => {
    const result = await place.run(['audit', 'key'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    vkey = result.stdout.trim()
    expect(vkey).toMatch(/^audit\.cidadao\.local\/embedded\+[0-9a-f]{8}\+\S{44}$/)
    expect((await stat(join(place.folder, '.cidadao-audit/key'))).mode & 0o777).toBe(0o600)
    expect(await json(['audit', 'key'])).toEqual({ origin: ORIGIN, vkeys: [vkey] })
    expect(await readdir(join(place.folder, 'data'))).not.toContain('.cidadao-audit')
  })

  it('key --new prints a signing key that the configuration takes, and keeps nothing', async () => {
    const { stdout, stderr } = await place.run(['audit', 'key', '--new'])
    expect(stdout).toMatch(/^PRIVATE\+KEY\+audit\.cidadao\.local\/embedded\+\S+\n$/)
    expect(stderr).toContain('CIDADAO_AUDIT_KEY')
    const used = await place.run(['audit', 'key'], { env: { CIDADAO_AUDIT_KEY: stdout.trim() } })
    expect(used).toMatchObject({ code: 0 })
    expect(used.stdout.trim()).not.toBe(vkey)
    expect((await place.run(['audit', 'key'])).stdout.trim()).toBe(vkey)
  })

  it('checkpoint signs what is there, puts it to a file and a folder outside the database, and gives it to whoever asks', async () => {
    const made = await json<{ outcome: string; signed: { size: number }; anchors: { name: string; size: number }[] }>([
      'audit',
      'checkpoint',
    ])
    expect(made).toMatchObject({
      outcome: 'signed',
      signed: { size: 4 },
      anchors: [
        { name: 'file', size: 4 },
        { name: 'directory', size: 4 },
      ],
    })
    const again = await place.run(['audit', 'checkpoint', '--out', 'at-4.note'])
    expect(again).toMatchObject({ code: 0 })
    expect(again.stdout).toMatch(/^Nothing new: 4 entries are signed\.\n {2}✓ file: 4 entries\n {2}✓ directory: 4 entries\n$/)
    expect(await readFile(join(place.folder, 'at-4.note'), 'utf8')).toMatch(/^audit\.cidadao\.local\/embedded\n4\n/)
  })

  it('verify holds the log against the newest checkpoint of the anchors, and says what none covers', async () => {
    await save('inv_4')
    const { stdout, code } = await place.run(['audit', 'verify'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /✓ \S+: 5 audit entries, chain verified\n {2}entries up to 4 are those of the checkpoint of the anchor file\n {2}1 entry is covered/,
    )
    const inPortuguese = await place.run(['audit', 'verify', '--lang', 'pt'])
    expect(inPortuguese.stdout).toContain('5 entradas de auditoria, cadeia verificada')
    expect(inPortuguese.stdout).toContain('as entradas até 4 são as do ponto de controle da âncora file')
    expect(await json(['audit', 'verify'])).toMatchObject({ ok: true, checked: 5, anchoredTo: 4, unanchored: 1, against: { size: 4 } })
  })

  it('verify takes a checkpoint of your own with a key of your own, and refuses one that another key signed', async () => {
    const given = ['audit', 'verify', '--checkpoint', 'at-4.note']
    expect(await json([...given, '--vkey', vkey])).toMatchObject({ ok: true, anchoredTo: 4, against: { anchor: null, size: 4 } })
    const note = await readFile(join(place.folder, 'at-4.note'), 'utf8')
    await writeFile(join(place.folder, 'forged.note'), note.replace('\n4\n', '\n3\n'))
    expect(await json(['audit', 'verify', '--checkpoint', 'forged.note'], 1)).toMatchObject({ ok: false, kind: 'signature' })
    expectRefusal(await place.run([...given, '--vkey', OTHER_KEY]), { code: 2, says: ['DB_AUDIT_FORMAT_INVALID'] })
    expectRefusal(await place.run(['audit', 'verify', '--checkpoint', 'nowhere.note']), {
      code: 2,
      says: ['--checkpoint: cannot read', 'no such file'],
    })
  })

  it('verify --from goes on where an earlier one ended', async () => {
    const earlier = await place.run(['audit', 'verify', '--json'])
    await writeFile(join(place.folder, 'earlier.json'), earlier.stdout)
    await save('inv_5')
    expect(await json(['audit', 'verify', '--from', 'earlier.json'])).toMatchObject({ ok: true, checked: 1, anchoredTo: 4 })
    expectRefusal(await place.run(['audit', 'verify', '--from', 'at-4.note']), { code: 2, says: ['--from: at-4.note is not what'] })
  })

  it('prove gives a file that the shipped verifier accepts, and only for its own entry and key', async () => {
    await json(['audit', 'checkpoint'])
    const entry = await firstEntryOf('inv_2')
    const printed = await place.run(['audit', 'prove', entry.id])
    expect(printed).toMatchObject({ code: 0, stderr: `Proof that this is entry ${entry.seq} of the 6 that were signed for.\n` })
    const written = await place.run(['audit', 'prove', entry.id, '--out', 'entry.tlog-proof'])
    expect(written).toMatchObject({ code: 0, stdout: '' })
    const text = await readFile(join(place.folder, 'entry.tlog-proof'), 'utf8')
    expect(text).toBe(printed.stdout)
    expect(verifyEntryProof(text, ORIGIN, [vkey])).toMatchObject({ outcome: 'verified', seq: entry.seq })
    const accepted = await runVerifier(['--proof', 'entry.tlog-proof', '--vkey', vkey])
    expect(accepted).toMatchObject({ code: 0, said: expect.stringContaining(`entry ${entry.seq} of the 6 entries`) as string })
    await writeFile(join(place.folder, 'forged.tlog-proof'), text.replace('index 2', 'index 1'))
    expect(await runVerifier(['--proof', 'forged.tlog-proof', '--vkey', vkey])).toMatchObject({ code: 1 })
    expectRefusal(await place.run(['audit', 'prove', 'nope']), { code: 2, says: ['no entry with that id', 'cidadao audit entries ID'] })
  })

  it('consistency proves that the log only grew, between the sizes that were signed', async () => {
    const { stdout, stderr, code } = await place.run(['audit', 'consistency', '4', '6'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Proof that the 6 entries go on from the first 4, unchanged.\n' })
    await writeFile(join(place.folder, 'growth.proof'), stdout)
    const older = await readFile(join(place.folder, 'at-4.note'), 'utf8')
    expect(verifyConsistencyProof(stdout, older, { origin: ORIGIN, vkeys: [vkey] })).toMatchObject({ outcome: 'verified' })
    expect(await runVerifier(['--consistency', 'growth.proof', '--old', 'at-4.note', '--vkey', vkey])).toMatchObject({ code: 0 })
    expect(await json(['audit', 'consistency', '4'])).toMatchObject({ oldSize: 4, newSize: 6 })
    expectRefusal(await place.run(['audit', 'consistency', '3', '5']), {
      code: 2,
      says: ['no checkpoint of exactly 5 entries', 'the next larger one has 6'],
    })
    expectRefusal(await place.run(['audit', 'consistency', '6', '4']), { code: 2, says: ['at least the older one'] })
    expectRefusal(await place.run(['audit', 'consistency', 'x']), { code: 2, says: ['whole number from 1'] })
  })

  it('export writes a file that the shipped verifier accepts, and refuses once a byte is changed', async () => {
    const { stdout, code } = await place.run(['audit', 'export', '--out', 'log.jsonl'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Entries 1 to 6 written to log\.jsonl \(\d+ bytes\)\.\n {2}sha256 [0-9a-f]{64}\n {2}to verify: node verify\.mjs/,
    )
    const accepted = await runVerifier(['log.jsonl', '--vkey', vkey])
    expect(accepted).toMatchObject({
      code: 0,
      said: expect.stringMatching(/entries 1 to 6 of .*\n.*\n {2}signed {3}entries up to 6/) as string,
    })
    const text = await readFile(join(place.folder, 'log.jsonl'), 'utf8')
    expect(text).not.toContain(CPF)
    await writeFile(join(place.folder, 'forged.jsonl'), text.replace('inv_2', 'inv_9'))
    expect(await runVerifier(['forged.jsonl', '--vkey', vkey])).toMatchObject({ code: 1 })
    const printed = await place.run(['audit', 'export'])
    expect(printed).toMatchObject({ code: 0, stdout: text, stderr: '' })
  })

  it('export takes a part, which the verifier accepts too, and refuses a range that the log has not', async () => {
    const part = await json<{ from: number; to: number }>(['audit', 'export', '--out', 'part.jsonl', '--from', '3', '--to', '5'])
    expect(part).toMatchObject({ from: 3, to: 5, outcome: 'written' })
    expect(await runVerifier(['part.jsonl', '--vkey', vkey])).toMatchObject({ code: 0 })
    expectRefusal(await place.run(['audit', 'export', '--from', '99']), { code: 2, says: ['from', '99'] })
    expectRefusal(await place.run(['audit', 'export', '--out', 'no/such/folder/x']), { code: 2, says: ['--out: cannot write'] })
    expectRefusal(await place.run(['audit', 'export', '--json']), { code: 2, says: ['--json tells of a written file'] })
  })

  it('erase removes an investigation and what its entries had committed to; entries, proofs and checkpoints go on to hold', async () => {
    const basis = ['--basis', 'lgpd-18-vi', '--actor', 'dpo-7', '--request', 'LGPD-2024-12']
    const { stdout, code } = await place.run(['audit', 'erase', 'inv_1', ...basis])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Erased: investigation inv_1, and 2 personal values of the log\.\n✓ 7 audit entries, chain verified\n$/)
    expect(await place.db.investigations.get('inv_1')).toBeUndefined()
    const entries = await json<readonly (Entry & { actor: unknown; data: unknown })[]>(['audit', 'entries', 'inv_1'])
    expect(entries.map(({ action }) => action)).toEqual(['investigation.created', 'investigation.erased'])
    expect(entries[1]).toMatchObject({ actor: { kind: 'human', id: 'dpo-7' }, data: { basis: 'lgpd-18-vi', request: 'LGPD-2024-12' } })
    const { fields } = await place.db.audit.disclose(place.db.sql, entries[0]?.id ?? '')
    expect(fields.map(({ field, outcome }) => `${field} ${outcome}`).toSorted()).toEqual(['cpf erased', 'name erased'])
    expect(await json(['audit', 'verify', '--checkpoint', 'at-4.note'])).toMatchObject({ ok: true, anchoredTo: 4 })
    expectRefusal(await place.run(['audit', 'erase', 'inv_1', ...basis]), { code: 2, says: ['no investigation "inv_1"'] })
  })

  it('erase tells the cache of other processes, by the outbox', async () => {
    const { rows } = await place.db.sql.query<{ names: readonly string[] }>(
      `SELECT names FROM cache_outbox WHERE namespace = 'investigation_results' AND names @> ARRAY['inv_1']`,
    )
    expect(rows).toHaveLength(1)
  })

  it('erase --entry removes single values, once', async () => {
    const { id } = await firstEntryOf('inv_2')
    const call = ['audit', 'erase', '--entry', id, '--field', 'cpf', '--basis', 'lgpd-18-iv']
    expect(await json(call)).toMatchObject({
      erased: { kind: 'entry', entry: id, openings: 1 },
      basis: 'lgpd-18-iv',
      audit: { verified: true },
    })
    const { fields } = await place.db.audit.disclose(place.db.sql, id)
    expect(fields.map(({ field, outcome }) => `${field} ${outcome}`).toSorted()).toEqual(['cpf erased', 'name disclosed'])
    expectRefusal(await place.run(call), { code: 2, says: ['DB_AUDIT_NOTHING_TO_REDACT'] })
  })

  it('erase wants a basis that exists, and one thing to erase', async () => {
    expect(BASES).toEqual(ERASURE_BASES)
    expectRefusal(await place.run(['audit', 'erase', 'inv_3']), { code: 2, says: ['--basis'] })
    expectRefusal(await place.run(['audit', 'erase', 'inv_3', '--basis', 'because']), { code: 2, says: ['lgpd-18-vi'] })
    expectRefusal(await place.run(['audit', 'erase', '--basis', 'retention']), {
      code: 2,
      says: ['name either an investigation, or an entry'],
    })
    expect(await place.db.investigations.get('inv_3')).toBeDefined()
  })

  it('doctor tells the key and what each anchor covers', async () => {
    const { stdout } = await place.run(['doctor'])
    expect(stdout).toMatch(/✓ audit +key [0-9a-f]{8}, entries anchored: file 6, directory 6\n/)
  })

  it('prune removes what is exported and signed; what is left verifies, and so does the archive', async () => {
    await json(['audit', 'checkpoint'])
    const { to } = await json<{ to: number }>(['audit', 'export', '--out', 'archive.jsonl'])
    await save('inv_6')
    const pruned = await place.run(['audit', 'prune', '--archive', 'archive.jsonl'])
    expect(pruned).toMatchObject({ code: 0, stdout: `${to} entries, up to ${to}, were removed; keep the archive and its checkpoint.\n` })
    const verified = await place.run(['audit', 'verify'])
    expect(verified.stdout).toMatch(new RegExp(`2 audit entries, chain verified\\n {2}entries up to ${to} were pruned`))
    expect(await runVerifier(['archive.jsonl', '--vkey', vkey])).toMatchObject({ code: 0 })
    expectRefusal(await place.run(['audit', 'prune', '--archive', 'at-4.note']), { code: 2, says: ['is no export of the log'] })
    expectRefusal(await place.run(['audit', 'prune', '--archive', 'part.jsonl']), {
      code: 2,
      says: ['exactly the 5 entries of the archive'],
    })
  })

  it('a key file that others can read is refused, and so is a lost one, which would sign another history', async () => {
    const path = join(place.folder, '.cidadao-audit/key')
    await chmod(path, 0o644)
    expectRefusal(await place.run(['audit', 'checkpoint']), { code: 1, says: ['chmod 600', 'DB_AUDIT_KEY_UNUSABLE'] })
    const kept = await readFile(path, 'utf8')
    await rm(path)
    expectRefusal(await place.run(['audit', 'checkpoint']), { code: 1, says: [/DB_AUDIT_(HISTORY_BROKEN|ANCHOR_UNAVAILABLE)/] })
    await writeFile(path, kept, { mode: 0o600 })
    await chmod(path, 0o600)
    expect((await place.run(['audit', 'key'])).stdout.trim()).toBe(vkey)
  })

  it('a log that was rewritten is not signed again, and verify says which entry', async () => {
    const { sql } = place.db
    await sql.query('ALTER TABLE audit_logs DISABLE TRIGGER ALL')
    const { rows } = await sql.query<{ seq: string }>(
      `UPDATE audit_logs SET payload = replace(payload, 'inv_6', 'inv_7') WHERE investigation_id = 'inv_6' RETURNING seq`,
    )
    expect(rows).toHaveLength(1)
    expect(await json(['audit', 'verify'], 1)).toMatchObject({ ok: false, kind: 'leaf', firstBadSeq: Number(rows[0]?.seq) })
    expectRefusal(await place.run(['audit', 'checkpoint']), { code: 1, says: ['nothing is signed', 'DB_AUDIT_HISTORY_BROKEN'] })
  })

  it('a database of somebody else gets no key of ours: verifying works, signing says what to set', async () => {
    const env = { DATABASE_URL: place.databaseUrl }
    expectRefusal(await place.run(['audit', 'checkpoint'], { env }), { code: 2, says: ['CIDADAO_AUDIT_KEY', 'cidadao audit key --new'] })
    expectRefusal(await place.run(['audit', 'export'], { env }), { code: 2, says: ['--vkey'] })
    const withKey = await place.run(['audit', 'verify', '--json', '--vkey', vkey], { env })
    expect(JSON.parse(withKey.stdout)).toMatchObject({ ok: false, kind: 'leaf' })
  })

  it('help is in both languages', async () => {
    expect((await place.run(['audit', '--help'])).stdout).toMatch(/prove .*one file that proves one entry/)
    expect((await place.run(['audit', '--help', '--lang', 'pt'])).stdout).toMatch(/prove .*um arquivo que prova uma entrada/)
  })
})
