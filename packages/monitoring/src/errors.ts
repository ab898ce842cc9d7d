import { InfraError } from '@cidadao/contracts'

/** A metric was declared in a way that cannot be exposed or would grow without bound. Mend the declaration. */
export class MetricDefinitionError extends InfraError {
  readonly code = 'MONITORING_METRIC_INVALID'
}

/** A health contributor was registered twice, or with a name or time that cannot be used. Mend the registration. */
export class HealthContributorError extends InfraError {
  readonly code = 'MONITORING_HEALTH_CONTRIBUTOR_INVALID'
}

/** An option of this package has a value that it cannot work with; the message names field, rule and value. */
export class MonitoringOptionsError extends InfraError {
  readonly code = 'MONITORING_OPTIONS_INVALID'
}

/** A health check did not settle before its `timeoutMs`. It is what the check's signal is aborted with. */
export class HealthCheckTimeoutError extends InfraError {
  readonly code = 'MONITORING_HEALTH_CHECK_TIMEOUT'
}

/** The health registry was stopped while a check ran. It is what the check's signal is aborted with. */
export class HealthStoppedError extends InfraError {
  readonly code = 'MONITORING_HEALTH_STOPPED'
}
