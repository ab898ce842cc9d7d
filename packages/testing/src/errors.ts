import { InfraError } from '@cidadao/contracts'

/** An environment variable of the kit, or an option of a fixture, is not what it may be. */
export class TestKitOptionsError extends InfraError {
  readonly code = 'TESTING_OPTIONS_INVALID'
}

/** The server that a `TEST_*` variable names does not answer. It is never replaced by another one. */
export class TestServiceUnreachableError extends InfraError {
  readonly code = 'TESTING_SERVICE_UNREACHABLE'
}

/** `TEST_SERVICES=docker`, and no container engine answers. */
export class ContainerEngineMissingError extends InfraError {
  readonly code = 'TESTING_CONTAINER_ENGINE_MISSING'
}

/** No way led to a service; the message says what was tried. */
export class TestServiceUnavailableError extends InfraError {
  readonly code = 'TESTING_SERVICE_UNAVAILABLE'
}

/** There is no `redis-server`, and it could not be installed; the message has the command to run. */
export class RedisBinaryMissingError extends InfraError {
  readonly code = 'TESTING_REDIS_MISSING'
}

/** A Redis process ended, or did not answer in time, while starting. */
export class RedisStartError extends InfraError {
  readonly code = 'TESTING_REDIS_START_FAILED'
}

/** The nodes run but are not one healthy cluster. */
export class RedisClusterNotFormedError extends InfraError {
  readonly code = 'TESTING_CLUSTER_NOT_FORMED'
}

/** A test asked for a service whose global set-up is not in its `vitest.config.ts`. */
export class TestSetupMissingError extends InfraError {
  readonly code = 'TESTING_SETUP_MISSING'
}

/** A template database could not be prepared. */
export class TestTemplateError extends InfraError {
  readonly code = 'TESTING_TEMPLATE_FAILED'
}

/** What `eventually` waited for did not happen before its deadline; `cause` is the last failure. */
export class EventuallyTimeoutError extends InfraError {
  readonly code = 'TESTING_EVENTUALLY_TIMEOUT'
}
