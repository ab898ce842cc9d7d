import { InfraError, toError } from './infra-error.ts'
import { defineService } from './service-lifecycle.ts'
import type { Service } from './service.ts'

/** A member did not start. Those started before it have been stopped again; `cause` is its own error. */
export class ServiceStartError extends InfraError {
  readonly code = 'SERVICE_START_FAILED'
}

/** One or more members did not stop cleanly. Every other one has been stopped; `cause` is an `AggregateError`. */
export class ServiceStopError extends InfraError {
  readonly code = 'SERVICE_STOP_FAILED'
}

/**
 * Several services as one: started left to right, stopped right to left. When one fails to start, those before it
 * are stopped, in reverse, before `start` rejects. `stop` tries every member even when some fail.
 */
export function serviceGroup(members: readonly Service[], name = 'group'): Service {
  return defineService({
    name,
    start: async (signal) => {
      const started: Service[] = []
      for (const member of members) {
        try {
          signal?.throwIfAborted()
          await member.start(signal)
          started.push(member)
        } catch (thrown) {
          throw await startFailure(member, thrown, started)
        }
      }
    },
    stop: async () => {
      const failures = await stopInReverse(members)
      if (failures.length > 0) throw stopFailure(failures)
    },
  })
}

interface StopFailure {
  readonly service: string
  readonly error: Error
}

async function startFailure(member: Service, thrown: unknown, started: readonly Service[]): Promise<ServiceStartError> {
  const failures = await stopInReverse(started)
  const error = toError(thrown)
  const cause = failures.length === 0 ? error : new AggregateError([error, ...failures.map((failure) => failure.error)], error.message)
  return new ServiceStartError(`${member.name} did not start: ${error.message}`, { cause, facts: { service: member.name } })
}

async function stopInReverse(services: readonly Service[]): Promise<StopFailure[]> {
  const failures: StopFailure[] = []
  for (const service of services.toReversed()) {
    try {
      await service.stop()
    } catch (thrown) {
      failures.push({ service: service.name, error: toError(thrown) })
    }
  }
  return failures
}

function stopFailure(failures: readonly StopFailure[]): ServiceStopError {
  const names = failures.map((failure) => failure.service).join(', ')
  const cause = new AggregateError(failures.map((failure) => failure.error))
  return new ServiceStopError(`did not stop cleanly: ${names}`, { cause, facts: { services: names } })
}
