import { connectRedis } from '@cidadao/cache/redis'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { eventually, startRedisCluster, testRedisCluster } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { House } from '../src/compose.ts'
import { openTestDatabase } from './support/test-database.ts'
import { buildHouse, startHouse } from './support/test-house.ts'

const QUERY = 'All contracts of 2024'
const NODES = (nodes: readonly { readonly host: string; readonly port: number }[]) =>
  nodes.map(({ host, port }) => `${host}:${port}`).join(',')

let source: string
beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'cidadao-compose-'))
  await writeSyntheticPortal(source, { seed: 1, contracts: 120 })
})
afterAll(() => rm(source, { recursive: true, force: true }))

async function investigate({ orchestrator, engine, db }: House): Promise<{ readonly status: string; readonly remembered: number }> {
  const { id } = await orchestrator.submit({ query: QUERY, source })
  await engine.settled(id)
  const remembered = (await db.runs.listEvents(id)).filter(({ data }) => data.remembered === true).length
  return { status: (await orchestrator.get(id)).status, remembered }
}

async function checksOf({ telemetry }: House): Promise<Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>> {
  await telemetry.health.sampled()
  return telemetry.health.report({ details: 'full' }).body.checks as never
}

describe('with a Redis Cluster', () => {
  it('the cache lives in it, a second process answers from it, and health shows the cluster node by node', async () => {
    const { nodes, password } = testRedisCluster()
    const prefix = `compose-${process.pid}-${Date.now()}`
    const env = { REDIS_NODES: NODES(nodes), CIDADAO_CACHE_KEY_PREFIX: prefix, ...(password === null ? {} : { REDIS_PASSWORD: password }) }
    const { house } = await startHouse(env)
    expect(house.redis?.status()).toMatchObject({ state: 'connected', mode: 'cluster' })
    expect(await investigate(house)).toEqual({ status: 'completed', remembered: 0 })

    const connection = connectRedis({ nodes: nodes.map((node) => ({ ...node })), ...(password === null ? {} : { password }) })
    onTestFinished(() => connection.stop())
    await connection.start()
    const client = connection.client()
    const primaries = 'nodes' in client ? client.nodes('master') : []
    const keys = (await Promise.all(primaries.map((node) => node.keys(`${prefix}*step_results*`)))).flat()
    expect(keys).toHaveLength(9)

    // Another process, with a memory and a database of its own, has only Redis in common with the first.
    const other = await startHouse({ ...env, DATABASE_URL: (await openTestDatabase()).url })
    expect(await investigate(other.house)).toEqual({ status: 'completed', remembered: 9 })

    // A snapshot, refreshed in the background: replicas are found a moment after the primaries.
    await eventually(
      async () => {
        const checks = await checksOf(house)
        expect(checks.redis?.[0]).toMatchObject({ status: 'pass', observedValue: 'cluster', critical: false })
        expect(checks['redis:slots']?.[0]).toMatchObject({ status: 'pass', observedValue: 16_384 })
        expect(checks['redis:nodes']?.[0]).toMatchObject({ status: 'pass', observedValue: nodes.length })
        for (let node = 1; node <= nodes.length; node++) {
          const role = expect.stringMatching(/^(master|slave)$/) as string
          expect(checks[`redis:node-${node}`]?.[0]).toMatchObject({ status: 'pass', observedValue: role })
          expect(Number(checks[`redis:node-${node}:connected-clients`]?.[0]?.observedValue)).toBeGreaterThan(0)
        }
      },
      { deadlineMs: 10_000, intervalMs: 200 },
    )
  })

  it('and a wrong password it refuses to start, and says why, without the password', async () => {
    const cluster = await startRedisCluster({ password: 'right', replicas: 0 })
    onTestFinished(() => cluster.stop())
    const { house } = await buildHouse({ REDIS_NODES: NODES(cluster.nodes), REDIS_PASSWORD: 'wrong-and-secret' })
    onTestFinished(() => house.stop())
    const error = await house.start().then(
      () => expect.unreachable(),
      (thrown: unknown) => thrown as Error & { readonly cause: Error },
    )
    expect(error).toMatchObject({ code: 'SERVICE_START_FAILED', cause: { code: 'CACHE_REDIS_AUTH' } })
    expect(`${error.message} ${error.cause.message}`).not.toContain('wrong-and-secret')
    // What had started before it is stopped again.
    await expect(house.db.ping()).rejects.toMatchObject({ code: 'DB_CLOSED' })
  })
})

describe('without a Redis that answers', () => {
  it('starts all the same, says so in health, warns without failing, and works', async () => {
    const { house } = await startHouse({ REDIS_NODES: '127.0.0.1:1', CIDADAO_REDIS_CONNECT_TIMEOUT_MS: '200' })
    expect(house.redis?.status().state).toBe('down')
    expect((await investigate(house)).status).toBe('completed')
    expect((await investigate(house)).remembered).toBe(9)
    const checks = await checksOf(house)
    expect(checks.redis?.[0]).toMatchObject({ lastSample: 'fail', observedValue: 'down', output: 'REDIS_UNAVAILABLE' })
    expect(JSON.stringify(checks)).not.toContain('127.0.0.1')
    house.telemetry.health.setAccepting(true)
    expect(house.telemetry.health.readyz().httpStatus).toBe(200)
    expect(house.telemetry.health.report({ details: 'none' }).httpStatus).toBe(200)
  })

  it('and none configured, there is no check of it and no connection', async () => {
    const { house } = await startHouse()
    expect(house.redis).toBeUndefined()
    expect(Object.keys(await checksOf(house))).not.toContain('redis')
  })
})

describe('a house', () => {
  it('starts, stops, and starts again, each as often as it is called', async () => {
    const { house } = await buildHouse()
    onTestFinished(() => house.stop())
    await Promise.all([house.start(), house.start()])
    expect((await investigate(house)).status).toBe('completed')
    await Promise.all([house.stop(), house.stop()])
    await house.start()
    expect((await investigate(house)).status).toBe('completed')
    await house.stop()
  })

  it('that cannot reach its database does not start, and leaves nothing running', async () => {
    const { house } = await buildHouse({ DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:1/none', CONNECTION_RETRY_ATTEMPTS: '1' })
    const error = await house.start().then(
      () => expect.unreachable(),
      (thrown: unknown) => thrown as Error,
    )
    expect(error).toMatchObject({ code: 'SERVICE_START_FAILED' })
    expect(error.message).not.toContain('secret')
    expect(house.pool.stats().state).not.toBe('running')
  })
})
