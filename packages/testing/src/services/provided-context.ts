import { inject, type ProvidedContext } from 'vitest'
import { TestSetupMissingError } from '../errors.ts'
import type { ServiceKind } from './service-choice.ts'

/** The PostgreSQL server of this test run. */
export interface TestPostgres {
  readonly kind: ServiceKind
  /** A superuser's address, or that of the role in `TEST_DATABASE_URL`, which must be allowed to create databases. */
  readonly url: string
  /** In the names of all databases that this run makes, so that runs on one server do not meet. */
  readonly runId: string
}

/** The single Redis of this test run. Shared by the package's test files: use a key prefix a file. */
export interface TestRedis {
  readonly kind: ServiceKind
  /** `redis://[:password@]host:port` */
  readonly url: string
}

/** The Redis Cluster of this test run: three primaries with a replica each where the kit made it. */
export interface TestRedisCluster {
  readonly kind: ServiceKind
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  /** `null` where none is asked for. */
  readonly password: string | null
}

declare module 'vitest' {
  export interface ProvidedContext {
    cidadaoPostgres: TestPostgres
    cidadaoRedis: TestRedis
    cidadaoRedisCluster: TestRedisCluster
  }
}

/** @throws TestSetupMissingError without `@cidadao/testing/postgres-setup`; likewise the two below */
export function testPostgres(): TestPostgres {
  return provided('cidadaoPostgres', '@cidadao/testing/postgres-setup')
}

export function testRedis(): TestRedis {
  return provided('cidadaoRedis', '@cidadao/testing/redis-setup')
}

export function testRedisCluster(): TestRedisCluster {
  return provided('cidadaoRedisCluster', '@cidadao/testing/redis-cluster-setup')
}

function provided<Key extends 'cidadaoPostgres' | 'cidadaoRedis' | 'cidadaoRedisCluster'>(key: Key, setup: string): ProvidedContext[Key] {
  // The types say that it is always there; it is only where the set-up ran.
  const value = inject(key) as ProvidedContext[Key] | undefined
  if (value === undefined)
    throw new TestSetupMissingError(`add '${setup}' to globalSetup in this package's vitest.config.ts`, { facts: { setup } })
  return value
}
