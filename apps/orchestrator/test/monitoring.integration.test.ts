import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics } from '@cidadao/monitoring'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { eventually } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { House } from '../src/compose.ts'
import { openTestDatabase } from './support/test-database.ts'
import { API_KEY, serveHouse, startHouse } from './support/test-house.ts'

// Whole systems are started here, which takes a while on a machine that does much else.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const promtool = has('promtool')
const prometheus = has('prometheus')
const WHERE = (there: boolean): string => (there ? '' : ' (skipped: Debian has it in the package prometheus)')
const PATIENCE = { deadlineMs: 30_000, intervalMs: 200 }

let source: string
beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'cidadao-monitoring-'))
  await writeSyntheticPortal(source, { seed: 2, contracts: 80 })
})
afterAll(() => rm(source, { recursive: true, force: true }))

async function investigate({ orchestrator, engine }: House): Promise<string> {
  const { id } = await orchestrator.submit({ query: 'All contracts of 2024', source })
  await engine.settled(id)
  return id
}

const exposed = async ({ telemetry }: House): Promise<string> => (await telemetry.metrics.expose()).body

/** The value of a series, labels in the order that they are declared in. */
function valueOf(body: string, series: string): number | undefined {
  const line = body.split('\n').find((text) => text.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('the metrics of a running house', () => {
  it('show counters at 0 before anything has happened, and what happened once it has', async () => {
    const { house } = await startHouse({ DATABASE_URL: (await openTestDatabase()).url, CIDADAO_MONITORING_HISTORY_INTERVAL_MS: '1000' })
    const before = await exposed(house)
    for (const series of [
      'investigations_transitions_total{from="pending",to="processing"}',
      'cache_requests_total{cache_name="step_results",cache_layer="redis",result="error"}',
      'cache_stampede_waits_total{cache_name="investigation_results"}',
      'db_client_connections_timeouts_total{pool="main"}',
      'agent_pool_rejected_total{type="source-loader",reason="AGENT_POOL_QUEUE_FULL"}',
      'retries_total{operation="db",outcome="failure"}',
      'audit_verify_failures_total{kind="link"}',
      'trace_spans_exported_total{outcome="failed"}',
    ].filter((series) => !series.includes('source-loader') || house.pool.agents().some(({ name }) => name === 'source-loader'))) {
      expect(valueOf(before, series), series).toBe(0)
    }
    await investigate(house)
    const after = await exposed(house)
    expect(valueOf(after, 'investigations_transitions_total{from="processing",to="completed"}')).toBe(1)
    expect(valueOf(after, 'investigation_duration_seconds_count{status="completed"}')).toBe(1)
    expect(after).toMatch(/cache_operation_duration_seconds_count\{cache_layer="postgresql",operation="set",outcome="ok"\} [1-9]/)
    expect(after).toMatch(/agent_pool_task_duration_seconds_count\{type="[a-z-]+",outcome="ok"\} [1-9]/)
    expect(after).toMatch(/db_client_connections_used_peak\{pool="main"\} [1-9]/)
    expect(valueOf(after, 'audit_entries_total')).toBeGreaterThan(5)
    await eventually(async () => expect(valueOf(await exposed(house), 'investigations{status="completed"}')).toBe(1), PATIENCE)
  })

  it.skipIf(!promtool)(`pass promtool check metrics as a whole, in use${WHERE(promtool)}`, async () => {
    const { house } = await startHouse()
    await investigate(house)
    await house.telemetry.health.sampled()
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await exposed(house), encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })

  it('hold no id, question, path or SQL in any label', async () => {
    const { house } = await startHouse()
    const id = await investigate(house)
    const body = await exposed(house)
    expect(body).not.toContain(id)
    expect(body).not.toContain(source)
    expect(body).not.toMatch(/All contracts|SELECT |INSERT INTO|127\.0\.0\.1/)
  })

  it('of two houses in one process do not meet', async () => {
    const one = await startHouse()
    const other = await startHouse({ DATABASE_URL: (await openTestDatabase()).url })
    await investigate(one.house)
    const completed = 'investigations_transitions_total{from="processing",to="completed"}'
    expect(valueOf(await exposed(one.house), completed)).toBe(1)
    expect(valueOf(await exposed(other.house), completed)).toBe(0)
  })

  it('do not count what was rolled back', async () => {
    const { house } = await startHouse()
    const submitted = 'investigations_transitions_total{from="none",to="pending"}'
    const before = valueOf(await exposed(house), submitted)
    const failing = house.db.transaction(async (tx) => {
      await tx.investigations.save({ id: `inv_${process.pid}_rolled_back`, query: 'x' })
      throw new Error('and back')
    })
    await expect(failing).rejects.toThrow()
    expect(valueOf(await exposed(house), submitted)).toBe(before)
  })

  it('are disturbed by nothing that is observed, and disturb nothing: what cannot be recorded is counted', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'things_total', help: 'Things.' })
    expect(() => counter.add(Number.NaN)).not.toThrow()
    expect((await metrics.expose()).body).toContain('metrics_rejected_total{metric="things_total"} 1')
  })
})

describe('health', () => {
  it('looks over a connection of its own: an exhausted pool is a warning, and a standstill only takes readiness away', async () => {
    const { house } = await startHouse({
      DATABASE_POOL_SIZE: '2',
      DATABASE_MAX_OVERFLOW: '0',
      DATABASE_URL: (await openTestDatabase()).url,
    })
    const { health } = house.telemetry
    health.setAccepting(true)
    await eventually(() => expect(health.readyz().httpStatus).toBe(200), PATIENCE)
    const release = Promise.withResolvers<void>()
    const held = [1, 2].map(() => house.db.transaction(() => release.promise))
    const waiting = Promise.allSettled([house.db.sql.query({ name: 'test.wait', text: 'SELECT 1' })])
    onTestFinished(() => release.resolve())
    await eventually(() => {
      const checks = JSON.stringify(health.report({ details: 'full' }).body)
      expect(checks).toContain('DB_POOL_')
      expect(health.readyz().reasons).toContain('database-pool:DB_POOL_BLOCKED')
    }, PATIENCE)
    // Meanwhile the check of the database itself has been through, again and again.
    const { checks } = health.report({ details: 'full' }).body as never as { checks: Record<string, { status: string }[]> }
    expect(checks.postgresql?.[0]?.status).not.toBe('fail')
    expect(health.livez().httpStatus).toBe(200)
    release.resolve()
    await Promise.all([...held, waiting])
    await eventually(() => expect(health.readyz().httpStatus).toBe(200), PATIENCE)
  }, 90_000)

  it('is alive while every dependency is away', async () => {
    const { house } = await startHouse({ REDIS_NODES: '127.0.0.1:1', CIDADAO_REDIS_CONNECT_TIMEOUT_MS: '200' })
    await house.telemetry.health.sampled()
    expect(house.telemetry.health.livez()).toMatchObject({ httpStatus: 200, body: { status: 'pass' } })
    expect(house.telemetry.health.startupz()).toMatchObject({ httpStatus: 200, body: { status: 'pass' } })
  })
})

describe('Prometheus itself', () => {
  it.skipIf(!prometheus)(
    `scrapes a running house, and the queries of rules and dashboards answer${WHERE(prometheus)}`,
    async () => {
      const { house, client } = await serveHouse()
      await investigate(house)
      const folder = await mkdtemp(join(tmpdir(), 'cidadao-prometheus-'))
      await chmod(folder, 0o755)
      const port = await freePort()
      const target = new URL(client.url).host
      const config = {
        global: { scrape_interval: '1s', scrape_timeout: '1s' },
        scrape_configs: [{ job_name: 'cidadao', authorization: { credentials: API_KEY }, static_configs: [{ targets: [target] }] }],
      }
      await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config))
      const server = spawn(
        'prometheus',
        [
          `--config.file=${join(folder, 'prometheus.yaml')}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--enable-feature=exemplar-storage',
        ],
        { stdio: 'ignore' },
      )
      const ended = new Promise((resolve) => server.once('exit', resolve))
      onTestFinished(async () => {
        server.kill('SIGKILL')
        await ended
        await rm(folder, { recursive: true, force: true })
      })
      const ask = async (query: string): Promise<readonly { readonly value: readonly [number, string] }[]> => {
        const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)
        const { data } = (await response.json()) as { data: { result: readonly { readonly value: readonly [number, string] }[] } }
        return data.result
      }
      const valueAsked = async (query: string): Promise<number> => Number((await ask(query))[0]?.value[1])
      await eventually(async () => expect(await valueAsked('up{job="cidadao"}')).toBe(1), PATIENCE)
      await eventually(async () => expect(await valueAsked('count_over_time(up{job="cidadao"}[1m])')).toBeGreaterThan(3), PATIENCE)
      expect(await valueAsked('sum(investigations_transitions_total{to="completed"})')).toBe(1)
      expect(await valueAsked('histogram_quantile(0.99, sum by (le) (db_client_operation_duration_seconds_bucket))')).toBeGreaterThan(0)
      expect(await valueAsked('sum(rate(investigations_transitions_total{to="error"}[1m]))')).toBe(0)
      expect(await valueAsked('max(db_client_connections_max)')).toBe(8)
      expect(await valueAsked('sum(increase(audit_verify_failures_total[1m]))')).toBe(0)
    },
    90_000,
  )
})
