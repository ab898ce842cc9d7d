import { toError } from '@cidadao/contracts'
import { Redis } from 'ioredis'
import { TestKitOptionsError, TestServiceUnreachableError } from '../errors.ts'
import type { ProvidedService, ServiceWays } from '../services/provide-service.ts'
import type { TestRedis, TestRedisCluster } from '../services/provided-context.ts'
import { readVariable, type TestEnvironment } from '../services/service-choice.ts'
import { openContainerMachine } from './choose-machine.ts'
import { nativeMachine } from './native-machine.ts'
import { startRedisClusterOn, type RedisClusterFixture } from './start-redis-cluster.ts'
import { startRedisOn, type RedisFixture } from './start-redis.ts'

type ClusterNodes = TestRedisCluster['nodes']

/** The ways to the single Redis of a test run. */
export function redisWays(environment: TestEnvironment): ServiceWays<TestRedis> {
  const url = readVariable(environment, 'TEST_REDIS_URL')
  return {
    name: 'Redis',
    url: url === undefined ? undefined : () => givenRedis(url),
    container: async () => fromFixture(await startRedisOn(openContainerMachine)),
    native: async () => fromFixture(await startRedisOn(nativeMachine)),
  }
}

/** The ways to the Redis Cluster of a test run. */
export function redisClusterWays(environment: TestEnvironment): ServiceWays<TestRedisCluster> {
  const nodes = readVariable(environment, 'TEST_REDIS_CLUSTER_NODES')
  const password = readVariable(environment, 'TEST_REDIS_CLUSTER_PASSWORD') ?? null
  return {
    name: 'Redis Cluster',
    url: nodes === undefined ? undefined : () => givenCluster(parseClusterNodes(nodes), password),
    container: async () => fromCluster(await startRedisClusterOn(openContainerMachine)),
    native: async () => fromCluster(await startRedisClusterOn(nativeMachine)),
  }
}

function fromFixture(fixture: RedisFixture): ProvidedService<TestRedis> {
  return { facts: { kind: fixture.kind, url: fixture.url }, stop: () => fixture.stop() }
}

function fromCluster(fixture: RedisClusterFixture): ProvidedService<TestRedisCluster> {
  const nodes = fixture.nodes.map(({ host, port }) => ({ host, port }))
  return { facts: { kind: fixture.kind, nodes, password: fixture.password }, stop: () => fixture.stop() }
}

async function givenRedis(url: string): Promise<ProvidedService<TestRedis>> {
  await askGiven('TEST_REDIS_URL', new Redis(url, ONE_TRY), 'PING')
  return { facts: { kind: 'url', url }, stop: () => Promise.resolve() }
}

async function givenCluster(nodes: ClusterNodes, password: string | null): Promise<ProvidedService<TestRedisCluster>> {
  for (const node of nodes) {
    const client = new Redis({ ...node, ...(password === null ? {} : { password }), ...ONE_TRY })
    const info = await askGiven('TEST_REDIS_CLUSTER_NODES', client, 'CLUSTER', 'INFO')
    if (!info.includes('cluster_state:ok')) {
      throw new TestServiceUnreachableError(
        `TEST_REDIS_CLUSTER_NODES: ${node.host}:${String(node.port)} says that its cluster is not in order`,
      )
    }
  }
  return { facts: { kind: 'url', nodes, password }, stop: () => Promise.resolve() }
}

const ONE_TRY = { lazyConnect: true, connectTimeout: 3_000, commandTimeout: 3_000, maxRetriesPerRequest: 0, retryStrategy: () => null }

async function askGiven(variable: string, client: Redis, command: string, ...args: readonly string[]): Promise<string> {
  // A refused password is told here, and only "closed" where the call rejects.
  const told: Error[] = []
  client.on('error', (error) => void told.push(error))
  try {
    await client.connect()
    return String(await client.call(command, ...args))
  } catch (thrown) {
    const reason = told[0] ?? toError(thrown)
    throw new TestServiceUnreachableError(`${variable} names a server that does not answer: ${reason.message}`, {
      cause: reason,
      facts: { variable },
    })
  } finally {
    client.disconnect()
  }
}

/** `host:port,host:port`; a host may be an IPv6 address in brackets. @throws TestKitOptionsError */
export function parseClusterNodes(text: string): ClusterNodes {
  return text.split(',').map((part) => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(part.trim())
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    if (host === undefined || port < 1 || port > 65_535) {
      throw new TestKitOptionsError(`TEST_REDIS_CLUSTER_NODES: host:port, separated by commas, is required, not ${JSON.stringify(part)}`)
    }
    return { host, port }
  })
}
