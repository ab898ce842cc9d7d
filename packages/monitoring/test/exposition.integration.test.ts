import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../src/catalogue/catalogue.ts'
import { createMetrics } from '../src/metrics/create-metrics.ts'
import type { Metrics } from '../src/metrics/metrics.ts'
import { createRuntimeMetrics } from '../src/metrics/runtime-metrics.ts'

const promtool = spawnSync('promtool', ['--version']).status === 0
const WHERE = promtool ? '' : ' (skipped: no promtool on the PATH; Debian has it in the package prometheus)'

/** Everything the platform exposes, with a value in every family. */
function fullMetrics(): Metrics {
  const metrics = createMetrics({ defaultLabels: { role: 'all' }, exemplar: () => ({ trace_id: '0af7651916cd43dd8448eb211c80319c' }) })
  createRuntimeMetrics(metrics, { build: { version: '0.1.0', revision: 'abc' } })
  const catalogue = createCatalogue(metrics)
  catalogue.db.operationDuration.observe(0.004, {
    db_system_name: 'postgresql',
    db_operation_name: 'SELECT',
    db_query_summary: 'investigation by "id"\\\nwith odd characters',
    error_type: 'none',
  })
  catalogue.db.connections.set(3, { pool: 'main', state: 'used' })
  catalogue.cache.requests.add(1, { cache_name: 'api_responses', cache_layer: 'memory', result: 'hit' })
  catalogue.cache.layerState.set('ok', { cache_layer: 'redis' })
  catalogue.investigations.duration.observe(12, { status: 'completed' })
  catalogue.investigations.anomalies.add(4, { rule: 'benford-first' })
  catalogue.agentPool.agents.set(2, { type: 'procurement', state: 'busy' })
  catalogue.http.requestDuration.observe(0.02, { http_request_method: 'GET', http_route: '/health', http_response_status_code: '200' })
  catalogue.resilience.breakerState.set('half-open', { name: 'redis' })
  catalogue.health.status.set(0.5, { check: 'redis' })
  catalogue.audit.entries.add(7)
  return metrics
}

const promtoolCheck = (text: string) => spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })

describe('the whole exposition', () => {
  it.skipIf(!promtool)(`passes promtool check metrics without a remark${WHERE}`, async () => {
    const { body } = await fullMetrics().expose()
    const result = promtoolCheck(body)
    expect(result.stdout + result.stderr).toBe('')
    expect(result.status).toBe(0)
  })

  it.skipIf(!promtool)(`would not pass with the client's own names for the process${WHERE}`, async () => {
    const { body } = await fullMetrics().expose()
    const spoiled = `${body}\n# HELP nodejs_active_handles_total Handles.\n# TYPE nodejs_active_handles_total gauge\nnodejs_active_handles_total 1\n`
    expect(promtoolCheck(spoiled).status).not.toBe(0)
  })

  it('declares each family once, with help and type, and each sample belongs to the family above it', async () => {
    const { body, contentType } = await fullMetrics().expose()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const seen = new Set<string>()
    let family = ''
    for (const line of body.split('\n')) {
      const declared = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
      if (declared) {
        family = declared[1] ?? ''
        expect(seen.has(family)).toBe(false)
        seen.add(family)
        expect(body).toContain(`# HELP ${family} `)
        if (declared[2] === 'counter') expect(family).toMatch(/_total$/)
      } else if (line !== '' && !line.startsWith('#')) {
        expect(line.startsWith(family)).toBe(true)
        expect(line).toMatch(/^[a-z_0-9]+(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.e+-]+$/)
      }
    }
    expect(seen.size).toBeGreaterThan(45)
  })

  it('has no label set twice', async () => {
    const { body } = await fullMetrics().expose()
    const series = body
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(series).size).toBe(series.length)
  })

  it('in OpenMetrics names counters without their suffix, ends as it must, and carries the trace', async () => {
    const { body, contentType } = await fullMetrics().expose('application/openmetrics-text; version=1.0.0,text/plain;q=0.5')
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body).toContain('# TYPE audit_entries counter\naudit_entries_total{role="all"} 7\n')
    expect(body).toMatch(
      /investigation_duration_seconds_bucket\{le="30",[^}]*\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 12 \d+/,
    )
    expect(body.split('# EOF')).toHaveLength(2)
    expect(body.endsWith('# EOF\n')).toBe(true)
    expect(body).not.toContain('\n\n')
  })
})
