import { RedisBinaryMissingError, TestServiceUnavailableError } from '../errors.ts'
import { toError } from '@cidadao/contracts'
import { resolveServiceMode, testEnvironment } from '../services/service-choice.ts'
import { nativeMachine } from './native-machine.ts'
import type { OpenMachine } from './redis-machine.ts'

/** The inside of a new container. Loaded only where it is used: testcontainers takes longer to load than a test to run. */
export const openContainerMachine: OpenMachine = async (ports) => {
  const { containerMachine } = await import('./container-machine.ts')
  return containerMachine(ports)
}

/**
 * Fixtures that are to be broken run natively where they can, whatever the set-ups took: signals are exact and a
 * start takes milliseconds. `TEST_SERVICES` narrows that to one kind.
 */
export async function startOnSomeMachine<T>(start: (openMachine: OpenMachine) => Promise<T>): Promise<T> {
  const mode = resolveServiceMode(testEnvironment)
  if (mode === 'docker') return start(openContainerMachine)
  try {
    return await start(nativeMachine)
  } catch (error) {
    if (mode === 'native' || !(error instanceof RedisBinaryMissingError)) throw error
    return start(openContainerMachine).catch((thrown: unknown) => {
      throw new TestServiceUnavailableError(`no Redis for the tests. Native: ${error.message}. Container: ${toError(thrown).message}`, {
        cause: new AggregateError([error, thrown]),
      })
    })
  }
}
