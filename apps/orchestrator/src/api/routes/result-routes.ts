import { crossCheck, renderReport, type Finding, type ReportInput } from '@cidadao/procurement'
import { z } from 'zod'
import type { InvestigationReport } from '../../agents/agent-contracts.ts'
import { ResultsNotReadyError } from '../../errors.ts'
import { scopeOf } from '../access/principal.ts'
import type { InvestigationApi, InvestigationView } from '../api-ports.ts'
import { findingPage } from './answer-schemas.ts'
import { sendTagged } from './investigation-routes.ts'
import { findingsQuery, idParams, REPORT_NAMES, reportQuery } from './request-schemas.ts'
import { defineRoute, principalOf, type Route } from './route.ts'

const REPORT_TYPES = { md: 'text/markdown', html: 'text/html', csv: 'text/csv', json: 'application/json' } as const
const TEXTS = { 'text/markdown': null, 'text/html': null, 'text/csv': null } as const
/** A report is a page of its own: it may show its own styles and pictures, and run or load nothing. */
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"

/** Findings and reports of an investigation that has results. */
export function resultRoutes(investigations: InvestigationApi): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/investigations/{id}/findings',
      operation: 'listFindings',
      summary: 'Findings with the records behind them, page by page',
      access: 'read',
      params: idParams,
      query: findingsQuery,
      answers: {
        200: {
          description: 'A page; `next` and the header `link` lead on.',
          content: { 'application/json': findingPage, 'text/csv': null },
        },
        304: { description: 'Not changed.' },
      },
      handle: async (asked) => {
        const { query, params, reply } = asked
        const view = await investigations.get(params.id, scopeOf(principalOf(asked)))
        const page = cutPage(reportOf(view).findings, query)
        if (page.next !== null) reply.header('link', `<${nextAddress(asked.request.url, page.next)}>; rel="next"`)
        if (query.format === 'json') return sendTagged(asked, page)
        reply.header('content-disposition', `attachment; filename="findings-${view.id}.csv"`)
        const input = { ...toReportInput(view), findings: page.findings }
        return sendTagged(asked, renderReport(input, { format: 'csv', language: query.lang }), REPORT_TYPES.csv)
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/investigations/{id}/report',
      operation: 'getReport',
      summary: 'The report as Markdown, HTML, CSV or JSON, in Portuguese or English',
      access: 'read',
      params: idParams,
      query: reportQuery,
      answers: {
        200: { description: 'The report.', content: { ...TEXTS, 'application/json': z.looseObject({ findings: z.array(z.unknown()) }) } },
        304: { description: 'Not changed.' },
      },
      handle: async (asked) => {
        const { query, params, reply } = asked
        const view = await investigations.get(params.id, scopeOf(principalOf(asked)))
        const text = renderReport(toReportInput(view), { format: REPORT_NAMES[query.format], language: query.lang })
        reply.headers({
          'content-security-policy': REPORT_POLICY,
          'content-disposition': `attachment; filename="report-${view.id}.${query.format}"`,
        })
        return sendTagged(asked, text, REPORT_TYPES[query.format])
      },
    }),
  ]
}

/** @throws ResultsNotReadyError */
function reportOf({ id, status, results }: InvestigationView): InvestigationReport {
  const report = (results ?? null) as unknown as InvestigationReport | null
  if (report === null || !Array.isArray(report.findings)) throw new ResultsNotReadyError(id, status)
  return report
}

function toReportInput(view: InvestigationView): ReportInput {
  const report = reportOf(view)
  return { crossCheck: crossCheck(report.findings), ...report, question: view.query }
}

interface PageQuery {
  readonly rule?: string | undefined
  readonly severity?: string | undefined
  readonly after: number
  readonly limit: number
}

interface Page {
  readonly findings: readonly Finding[]
  /** Records in all pages of these filters, and findings without any. */
  readonly total: number
  readonly next: number | null
}

/** A row for each record, and one for each finding without: `limit` of them, each finding with its records of the page. */
function cutPage(findings: readonly Finding[], { rule, severity, after, limit }: PageQuery): Page {
  const chosen = findings.filter(
    (one) => (rule === undefined || one.rule === rule) && (severity === undefined || one.severity === severity),
  )
  const cut: Finding[] = []
  let at = 0
  for (const finding of chosen) {
    const rows = Math.max(1, finding.records.length)
    const [from, to] = [Math.max(0, after - at), Math.min(rows, after + limit - at)]
    if (from < to) cut.push({ ...finding, records: finding.records.slice(from, to) })
    at += rows
  }
  return { findings: cut, total: at, next: after + limit < at ? after + limit : null }
}

function nextAddress(url: string, after: number): string {
  const next = new URL(url, 'http://localhost')
  next.searchParams.set('after', String(after))
  return `${next.pathname}${next.search}`
}
