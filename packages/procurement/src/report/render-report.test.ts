import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { contract, contractsOf } from '../../test/support/portal-file.ts'
import { runContractRules } from '../analyze.ts'
import { ContractTotals } from '../contracts/contract-summary.ts'
import { SupplierTotals } from '../contracts/supplier-totals.ts'
import type { ContractFacts } from '../contracts/contract.ts'
import { crossCheck } from '../cross-check/cross-check.ts'
import { parseQuantity } from '../values/quantity.ts'
import { createPriceOutlier } from '../rules/prices/price-outlier.ts'
import { REPORT_FORMATS, type ReportInput } from './report-input.ts'
import { renderReport } from './render-report.ts'

const EVIL = '=HYPERLINK("http://x")|<script>alert(1)</script>\n"&\''

function inputOf(contracts: readonly ContractFacts[]): ReportInput {
  const [totals, suppliers] = [new ContractTotals(), new SupplierTotals()]
  for (const one of contracts) {
    totals.add(one)
    suppliers.add(one)
  }
  const findings = [...runContractRules(contracts), ...priceFindings()]
  return {
    question: EVIL,
    source: {
      sha256: 'a'.repeat(64),
      rows: contracts.length,
      files: [{ name: '202401_Compras.csv', sha256: 'a'.repeat(64), rows: contracts.length }],
    },
    summary: totals.summary(),
    rejects: { total: 3 },
    findings,
    missing: ['digits'],
    crossCheck: crossCheck(findings),
    topSuppliers: suppliers.top(10),
  }
}

function priceFindings(): ReturnType<ReturnType<typeof createPriceOutlier>['finish']> {
  const rule = createPriceOutlier()
  const quantity = parseQuantity('2') ?? expect.unreachable()
  for (const [index, { initialValue }] of contractsOf(['1', '1.1', '0.9', '1.2', '0.8', '1.05', '0.95', '1', '1.15', '500']).entries()) {
    const { unit } = contract()
    const position = { file: '202401_ItemCompra.csv', line: index + 2, row: index + 1 }
    rule.add({ ...position, contractNumber: '1', unit, code: '1', description: EVIL, quantity, unitPrice: initialValue, supplier: null })
  }
  return rule.finish()
}

/** Every other contract is round, signed on a Saturday and grown; all share one supplier. */
const remarkable = (): readonly ContractFacts[] =>
  Array.from({ length: 400 }, (_, index) => {
    const sketch = index % 2 === 0 ? { value: '760000', finalValue: '9000000', signedOn: '2023-11-04' } : { value: '1234.56' }
    const one = contract({ ...sketch, line: index + 2 })
    return { ...one, supplier: { ...one.supplier, name: EVIL } }
  })

const input = inputOf(remarkable())

describe.each(REPORT_FORMATS)('a report as %s', (format) => {
  it.each(['en', 'pt'] as const)('speaks of indications and never of fraud, in %s', (language) => {
    const text = renderReport(input, { format, language })
    expect(text).not.toMatch(/fraud/i)
    expect(text).toMatch(language === 'en' || format === 'csv' ? /indication/ : /indício/)
  })

  it('is the same for the same input, byte for byte, also when it comes back from storage', () => {
    const stored = JSON.parse(JSON.stringify(input)) as ReportInput
    expect(renderReport(stored, { format })).toBe(renderReport(input, { format }))
  })

  it('can be made of nothing found', () => {
    const empty = renderReport({ ...inputOf([]), missing: [] }, { format, language: 'en' })
    expect(empty).toMatch(/benford-first/)
    expect(empty).not.toMatch(/NaN|undefined/)
  })
})

describe('HTML report', () => {
  const html = renderReport(input, { format: 'html', language: 'pt' })

  it('holds no script, fetches nothing, and shows texts of the source as text', () => {
    expect(html).not.toMatch(/<script|javascript:|\son\w+=|<img|<link|<iframe|https?:\/\/(?!www\.w3\.org\/2000\/svg)(?!x&quot;)/i)
    expect(html).toContain('=HYPERLINK(&quot;http://x&quot;)|&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(html).toContain('<html lang="pt-BR">')
  })

  it('shows digits with the expected curve, largest suppliers and dear prices as pictures that can be read aloud', () => {
    const pictures = [...html.matchAll(/<svg[^>]*role="img"[\s\S]*?<\/svg>/g)].map(([picture]) => picture)
    expect(pictures).toHaveLength(3)
    for (const picture of pictures) expect(picture).toMatch(/<title>[^<]+<\/title><desc>[^<]+<\/desc>/)
    const digits = pictures.find((picture) => picture.includes('polyline')) ?? ''
    expect(digits.match(/<rect/g)).toHaveLength(9)
    expect(digits).toContain('1: 200 / 120,4')
    expect(pictures.some((picture) => picture.includes('<circle'))).toBe(true)
    expect(pictures.join('')).not.toMatch(/NaN|Infinity/)
  })

  it('shows no more records than asked for, and says of how many', () => {
    const rows = (recordsShown: number): number =>
      renderReport(input, { format: 'html', recordsShown }).match(/Compras\.csv:\d+/g)?.length ?? 0
    expect(rows(1)).toBeLessThan(rows(5))
    expect(renderReport(input, { format: 'html', recordsShown: 5 })).toContain('200 (5 mostrados)')
  })
})

describe('Markdown report', () => {
  const markdown = renderReport(input, { format: 'markdown', language: 'en' })

  it('names what is missing, what was not read, and what may be harmless', () => {
    expect(markdown).toContain('| Missing, since it failed | digits |')
    expect(markdown).toContain('| Rows that could not be read | 3 |')
    expect(markdown).toContain('**Harmless explanations**')
    expect(markdown).toContain('## Records on which independent rules agree')
  })

  it('keeps texts of the source from becoming tables or tags', () => {
    expect(markdown).not.toContain('<script>')
    expect(markdown).toContain('\\<script\\>')
    const rows = markdown.split('\n').filter((line) => line.includes('HYPERLINK') && line.includes('Compras.csv'))
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5)
    expect(rows.length).toBeGreaterThan(0)
  })
})

describe('CSV report', () => {
  const csv = renderReport(input, { format: 'csv', language: 'pt' })
  const records = parse(csv, { delimiter: ';', bom: true, columns: true }) as readonly Readonly<Record<string, string>>[]

  it('has a row for each record and one for each finding without records', () => {
    const expected = input.findings.reduce((total, finding) => total + Math.max(1, finding.records.length), 0)
    expect(records).toHaveLength(expected)
    expect(records.find((row) => row.rule === 'benford-first')).toMatchObject({ outcome: 'indication', kind: '', record: '' })
    expect(records.find((row) => row.rule === 'calendar')).toMatchObject({ kind: 'contract', line: '2', value: '760000.00' })
  })

  it('gives no field to a spreadsheet as a formula', () => {
    const starts = records.flatMap((row) => Object.values(row)).filter((field) => /^[=+\-@\t\r\n]/.test(field))
    expect(starts).toEqual([])
    expect(records.find((row) => row.rule === 'calendar')?.about).toBe(`'${EVIL}`)
  })

  it('leaves negative amounts numbers', () => {
    const [record] = input.findings.flatMap((finding) => finding.records)
    const finding = input.findings.find((one) => one.rule === 'calendar') ?? expect.unreachable()
    const negative = { ...(record ?? expect.unreachable()), value: '-12.50' }
    expect(renderReport({ ...input, findings: [{ ...finding, records: [negative] }] }, { format: 'csv' })).toContain('"-12.50"')
  })

  it('separates by commas in English', () => {
    expect(renderReport(input, { format: 'csv', language: 'en' }).startsWith('\uFEFF"rule","version","outcome"')).toBe(true)
  })
})

describe('a report', () => {
  it('refuses a format or language that is none', () => {
    expect(() => renderReport(input, { format: 'pdf' as 'html' })).toThrow('format must be one of markdown, html, csv, json, got "pdf"')
    expect(() => renderReport(input, { format: 'html', language: 'fr' as 'en' })).toThrow('language must be one of en, pt, got "fr"')
    expect(() => renderReport(input, { format: 'html', recordsShown: -1 })).toThrow('recordsShown')
  })

  it('as JSON is the input itself', () => {
    expect(JSON.parse(renderReport(input, { format: 'json' }))).toEqual(JSON.parse(JSON.stringify(input)))
  })
})
