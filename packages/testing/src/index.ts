export {
  ContainerEngineMissingError,
  EventuallyTimeoutError,
  RedisBinaryMissingError,
  RedisClusterNotFormedError,
  RedisStartError,
  TestKitOptionsError,
  TestServiceUnavailableError,
  TestServiceUnreachableError,
  TestSetupMissingError,
  TestTemplateError,
} from './errors.ts'
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions, type TestDatabaseTemplate } from './postgres/test-database.ts'
export {
  startRedisCluster,
  type ClusterMember,
  type RedisClusterFixture,
  type RedisClusterNode,
  type StartRedisClusterOptions,
} from './redis/start-redis-cluster.ts'
export { startRedis, type RedisFixture, type StartRedisOptions } from './redis/start-redis.ts'
export { migrateSlot, type SlotMigration } from './redis/migrate-slot.ts'
export { createTestCertificate, type TestCertificate, type TestCertificateOptions } from './redis/test-certificate.ts'
export {
  testPostgres,
  testRedis,
  testRedisCluster,
  type TestPostgres,
  type TestRedis,
  type TestRedisCluster,
} from './services/provided-context.ts'
export { SERVICE_KINDS, SERVICE_MODES, type ServiceKind, type ServiceMode } from './services/service-choice.ts'
export { capturingLogger, type CapturedLine, type CapturingLogger } from './capturing-logger.ts'
export { eventually, type EventuallyOptions } from './eventually.ts'
export { SeededRandom } from './faults/seeded-random.ts'
export { TcpProxy, type ProxyFault, type TcpProxyOptions, type TcpProxyStats } from './faults/tcp-proxy.ts'
export { startPostgres, type PostgresFixture, type StartPostgresOptions } from './postgres/start-postgres.ts'
