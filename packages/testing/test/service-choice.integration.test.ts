import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres, startRedis, testRedisCluster, type ServiceKind } from '../src/index.ts'
import { startNestedRun } from './nested-run.ts'

/** Nothing listens there: it needs root, and nobody uses it. */
const NOBODY = '127.0.0.1:1'

interface Facts {
  readonly postgres: { readonly kind: ServiceKind; readonly url: string }
  readonly redis: { readonly kind: ServiceKind; readonly url: string }
  readonly cluster: { readonly kind: ServiceKind; readonly nodes: readonly object[] }
  readonly database: string
}

describe('the servers of a run', () => {
  it('are those that the variables name, which are left running and clean', async () => {
    const [postgres, redis] = [await startPostgres(), await startRedis({ password: 'secret' })]
    onTestFinished(async () => {
      await Promise.all([postgres.stop(), redis.stop()])
    })
    const { nodes, password } = testRedisCluster()
    const run = await startNestedRun('report', {
      TEST_DATABASE_URL: postgres.url(),
      TEST_REDIS_URL: redis.url,
      TEST_REDIS_CLUSTER_NODES: nodes.map((node) => `${node.host}:${String(node.port)}`).join(','),
      ...(password === null ? {} : { TEST_REDIS_CLUSTER_PASSWORD: password }),
    })
    const facts = await run.report<Facts>()
    expect((await run.ended).exitCode).toBe(0)
    expect([facts.postgres.kind, facts.redis.kind, facts.cluster.kind]).toEqual(['url', 'url', 'url'])
    expect([facts.postgres.url, facts.redis.url, facts.cluster.nodes]).toEqual([postgres.url(), redis.url, nodes])
    expect(await redis.command('PING')).toBe('PONG')
    const client = new pg.Client({ connectionString: postgres.url() })
    await client.connect()
    expect((await client.query(`select datname from pg_database where datname like 'cidadao%'`)).rows).toEqual([])
    await client.end()
  })

  const wrong: readonly [string, Record<string, string>, RegExp][] = [
    [
      'TEST_SERVICES is a word it does not know',
      { TEST_SERVICES: 'kubernetes' },
      /TEST_SERVICES: one of docker, native, auto is required, not "kubernetes"/,
    ],
    [
      'TEST_DATABASE_URL names a server that is not there, without looking for another',
      { TEST_DATABASE_URL: `postgresql://u:p@${NOBODY}/x` },
      /TEST_DATABASE_URL names a server that does not answer: .*ECONNREFUSED/,
    ],
    [
      'TEST_SERVICES asks for an engine and none answers',
      { TEST_SERVICES: 'docker', DOCKER_HOST: `tcp://${NOBODY}`, TESTCONTAINERS_RYUK_DISABLED: 'true' },
      /no container engine answers .*start Docker, or set TEST_SERVICES=native/,
    ],
  ]
  it.each(wrong)('are refused when %s', async (_, variables, message) => {
    const run = await startNestedRun('report', variables)
    const { exitCode, output } = await run.ended
    expect(exitCode).not.toBe(0)
    expect(output).toMatch(message)
    expect(output).not.toContain('1 passed')
  })
})
