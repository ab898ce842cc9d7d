import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BIN, HAS_PSEUDO_TERMINAL, runCli, runOnPseudoTerminal } from './cli/cli-process.ts'
import { openWorkplace, type Workplace } from './cli/workplace.ts'

const TIMEOUT_MS = 120_000
const QUESTION = 'Analyze all contracts of 2024'

const DATA_DIR = process.env.TEST_DATA_DIR ?? resolve(import.meta.dirname, '../../../../shared/data')
const REAL_FILES = join(DATA_DIR, 'portal-202401')
const HAS_REAL_FILES = existsSync(REAL_FILES)

interface Printed {
  readonly investigation: {
    readonly id: string
    readonly status: string
    readonly query: string
    readonly steps: readonly { readonly status: string }[]
  }
  readonly summary: { readonly contracts: number; readonly totalInitialValue: string; readonly rejectedRows: number }
  readonly rejects: { readonly total: number; readonly rows: readonly { readonly line: number; readonly reason: string }[] }
  readonly findings: readonly Readonly<Record<string, unknown>>[]
  readonly cache: { readonly outcome: string; readonly stepsFromCache: readonly string[] }
  readonly audit: { readonly entries: number; readonly verified: boolean }
}

let place: Workplace
let first: Printed

beforeAll(async () => {
  place = await openWorkplace()
  const result = await place.run(['investigate', QUESTION, '--source', 'contracts', '--json', '--out', 'first.json'])
  expect(result.stderr).toContain('✓ report')
  expect(result.code).toBe(0)
  first = JSON.parse(result.stdout) as Printed
  expect(await readFile(join(place.folder, 'first.json'), 'utf8')).toBe(result.stdout)
}, TIMEOUT_MS)
afterAll(() => place.close())

interface Demonstrated extends Printed {
  readonly synthetic: {
    readonly planted: readonly { readonly rule: string; readonly file: string; readonly lines: readonly number[] }[]
    readonly scores: readonly Readonly<Record<'rule' | 'planted' | 'found' | 'recall' | 'precision', unknown>>[]
  }
}

describe('cidadao investigate', { timeout: TIMEOUT_MS }, () => {
  it('prints one JSON document of the documented shape, with money as decimal strings', () => {
    expect(first.investigation).toMatchObject({ status: 'completed', query: QUESTION })
    expect(first.summary).toMatchObject({ contracts: 300, rejectedRows: 0 })
    expect(first.summary.totalInitialValue).toMatch(/^\d+\.\d{2,4}$/)
    expect(first.findings.length).toBeGreaterThanOrEqual(8)
    const parts = ['rule', 'version', 'severity', 'population', 'statistics', 'records', 'explanation', 'benignExplanations']
    for (const finding of first.findings) expect(Object.keys(finding)).toEqual(expect.arrayContaining(parts))
    expect(first.cache.outcome).toBe('computed')
    expect(first.audit.verified).toBe(true)
    // Submission, beginning, end and each of the seven steps.
    expect(first.audit.entries).toBeGreaterThanOrEqual(10)
  })

  it('answers the same question from the cache, says so, and leaves no draft of --out behind', async () => {
    const { code, stdout } = await place.run(['investigate', QUESTION, '--source', place.source, '--out', 'second.json'])
    expect(code).toBe(0)
    expect(stdout).toContain('from the cache: the source is unchanged (same SHA-256)')
    const second = JSON.parse(await readFile(join(place.folder, 'second.json'), 'utf8')) as Printed
    expect(second.cache.outcome).toBe('hit')
    expect(second.findings).toEqual(first.findings)
    expect(second.investigation.id).not.toBe(first.investigation.id)
    expect((await readdir(place.folder)).filter((name) => name.includes('.json')).toSorted()).toEqual(['first.json', 'second.json'])
  })

  it('completes a file with broken rows, counts them and lists them', async () => {
    const name = (await readdir(place.source)).find((file) => file.endsWith('_Compras.csv')) ?? ''
    const rows = (await readFile(join(place.source, name), 'latin1')).split('\n')
    const broken = rows.map((row, index) => (index === 2 ? 'only;two' : index === 5 ? row.replaceAll(/"[\d.]+,\d{2,4}"/g, '"1,x"') : row))
    await writeFile(join(place.folder, name), broken.join('\n'), 'latin1')
    const { code, stdout } = await place.run(['investigate', QUESTION, '--source', name, '--out', 'broken.json'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/Rejected rows:\s+2\n +· \S+_Compras\.csv:3 {2}field-count: .+\n +· \S+_Compras\.csv:6 {2}amount: /)
    const { summary, rejects } = JSON.parse(await readFile(join(place.folder, 'broken.json'), 'utf8')) as Printed
    expect(summary).toMatchObject({ contracts: 298, rejectedRows: 2 })
    expect(rejects.rows.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'field-count'],
      [6, 'amount'],
    ])
  })

  it.skipIf(!HAS_REAL_FILES)('finds the known numbers in the official files (skipped without TEST_DATA_DIR)', async () => {
    const question = 'Analise os contratos do Ministério da Saúde em 2024'
    const { code, stdout } = await place.run(['investigate', question, '--source', REAL_FILES, '--json'])
    expect(code).toBe(0)
    const { summary, audit } = JSON.parse(stdout) as Printed
    expect(summary).toMatchObject({ contracts: 419, totalInitialValue: '9222273688.82', rejectedRows: 0 })
    expect(audit.verified).toBe(true)
  })

  it.skipIf(!HAS_PSEUDO_TERMINAL)('shows progress on a terminal (skipped where util-linux "script" is missing)', async () => {
    const env = { CIDADAO_DATA_DIR: join(place.folder, 'data') }
    const question = 'Analyze contracts of the Ministry of Health 2024'
    const { stdout, code } = await runOnPseudoTerminal(['investigate', question, '--source', place.source], { cwd: place.folder, env })
    expect(code).toBe(0)
    expect(stdout).toContain('\u001B[2K')
    expect(stdout).toMatch(/ {2}… source/)
    expect(stdout).toContain('✓ contract-summary')
    expect(stdout).toContain('\u001B[1m')
  })
})

describe('the commands that look', { timeout: TIMEOUT_MS }, () => {
  it('show an investigation as investigate did, in English and in Portuguese', async () => {
    const { id } = first.investigation
    const [json, english, portuguese] = await Promise.all([
      place.run(['show', id, '--json']),
      place.run(['show', id, '--lang', 'en']),
      place.run(['show', id], { env: { LC_ALL: 'pt_BR.UTF-8' } }),
    ])
    const shown = JSON.parse(json.stdout) as Printed
    expect(shown).toEqual(first)
    expect(english.stdout).toMatch(/Status: +completed, computed/)
    expect(english.stdout).toContain(`${first.audit.entries} audit entries, chain verified`)
    expect(portuguese.stdout).toMatch(/Situação: +concluída, calculado/)
    expect(portuguese.stdout).toContain(`${first.audit.entries} entradas de auditoria, cadeia verificada`)
    expect(portuguese.stdout).not.toMatch(/Findings|verified|May be/)
    expect([json.stderr, english.stderr, portuguese.stderr]).toEqual(['', '', ''])
  })

  it('list what there is, newest first, and say when there is more', async () => {
    const [all, one] = await Promise.all([place.run(['list', '--json']), place.run(['list', '--limit', '1'])])
    const listed = JSON.parse(all.stdout) as readonly { readonly id: string; readonly createdAt: string }[]
    expect(listed.at(-1)?.id).toBe(first.investigation.id)
    expect(one.stdout.split('\n')).toHaveLength(3)
    expect(one.stdout).toContain(listed[0]?.id)
    expect(one.stderr).toContain('Only the newest 1 are shown')
  })

  it('migrate says that nothing is to be done, and doctor that all is well', async () => {
    const [migrated, examined] = await Promise.all([place.run(['migrate', '--json']), place.run(['doctor'])])
    expect(migrated).toMatchObject({ code: 0, stdout: '{"applied":0}\n' })
    expect(examined.code).toBe(0)
    expect(examined.stdout).toMatch(/✓ database +embedded PostgreSQL [\d.]+, primary, /)
    expect(examined.stdout).toMatch(/✓ log +\d+ audit entries verified/)
  })

  it('verify the audit log, and refuse it once a row was changed behind its back', async () => {
    const { sql } = place.db
    const good = await place.run(['audit', 'verify'])
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).toMatch(/^✓ audit\.cidadao\.local\/embedded: \d+ audit entries, chain verified\n {2}entries up to \d+ are those of/)
    await sql.query('ALTER TABLE audit_logs DISABLE TRIGGER ALL')
    const { rows } = await sql.query<{ seq: string }>(
      `UPDATE audit_logs SET payload = replace(payload, 'submitted', 'submittex')
       WHERE seq = (SELECT min(seq) FROM audit_logs WHERE action = 'investigation.submitted') RETURNING seq`,
    )
    const bad = await place.run(['audit', 'verify', '--json'])
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, firstBadSeq: Number(rows[0]?.seq) })
    const shown = await place.run(['show', first.investigation.id])
    expect(shown.stdout).toContain('CHAIN NOT VERIFIED')
  })
})

describe('cidadao without a database', { timeout: TIMEOUT_MS }, () => {
  it('prints the configuration without any secret', async () => {
    const secrets = {
      DATABASE_URL: 'postgresql://ana@db.example/x',
      DATABASE_PASSWORD: 'hunter2-secret',
      REDIS_PASSWORD: 'redis-secret',
      CIDADAO_API_KEY: 'api-key-secret-1234',
    }
    const env = { ...secrets, REDIS_NODES: '127.0.0.1:1' }
    const outputs = await Promise.all([['config'], ['config', '--json']].map((args) => place.run(args, { env })))
    for (const { code, stdout, stderr } of outputs) {
      expect(code).toBe(0)
      expect(stdout + stderr).not.toMatch(/hunter2|redis-secret|api-key-secret/)
      expect(stdout).toContain('DATABASE_PASSWORD')
    }
  })

  it('explains itself in both languages, and its version, from any folder and as an executable file', async () => {
    const options = { cwd: '/', command: [BIN] } as const
    const [help, ajuda, version] = await Promise.all([
      runCli(['--help'], options),
      runCli(['investigate', '--help', '--lang=pt'], options),
      runCli(['--version'], options),
    ])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const command of ['start', 'investigate', 'demo', 'list', 'show', 'audit', 'migrate', 'doctor', 'config'])
      expect(help.stdout).toContain(`\n  ${command}`)
    expect(ajuda.stdout).toMatch(/^Uso: cidadao investigate/)
    expect(version).toMatchObject({ code: 0, stdout: '0.1.0\n' })
  })
})

describe('cidadao demo', { timeout: TIMEOUT_MS }, () => {
  it('judges contracts and items, and tells how much of what was planted each rule found', async () => {
    const { code, stdout, stderr } = await place.run(['demo', '--json'])
    expect(stderr).toContain('SYNTHETIC DATA')
    expect(code).toBe(0)
    const { synthetic, findings, summary } = JSON.parse(stdout) as Demonstrated
    expect(summary).toMatchObject({ contracts: 3_000, rejectedRows: 0 })
    expect(findings.find(({ rule }) => rule === 'price-outlier')).toMatchObject({ population: { n: 4_000 }, recordCount: { total: 12 } })
    const files = new Set(synthetic.planted.map(({ file }) => file))
    expect([...files].toSorted()).toEqual(['202401_Compras.csv', '202401_ItemCompra.csv'])
    const rules = new Set(synthetic.planted.map(({ rule }) => rule))
    expect(rules.size).toBe(9)
    expect(synthetic.scores.map(({ rule }) => rule).toSorted()).toEqual(findings.map(({ rule }) => rule).toSorted())
    for (const { rule, planted, found, recall, precision } of synthetic.scores) {
      if (rules.has(String(rule))) expect({ rule, found, recall, precision }).toEqual({ rule, found: planted, recall: 1, precision: 1 })
      else expect({ rule, planted, found, recall, precision }).toEqual({ rule, planted: 0, found: 0, recall: null, precision: null })
    }
  })
})
