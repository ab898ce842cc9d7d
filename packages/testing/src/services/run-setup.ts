import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { ContainerEngineMissingError } from '../errors.ts'
import { provideService, type ServiceWays } from './provide-service.ts'
import { resolveServiceMode, testEnvironment, type TestEnvironment } from './service-choice.ts'
import type {} from './provided-context.ts'

type ServiceKey = 'cidadaoPostgres' | 'cidadaoRedis' | 'cidadaoRedisCluster'

/** Brings a service up, hands its facts to the tests, and returns how to end it. */
export async function runSetup<Key extends ServiceKey>(
  project: TestProject,
  key: Key,
  waysFor: (environment: TestEnvironment) => ServiceWays<ProvidedContext[Key]>,
): Promise<() => Promise<void>> {
  const ways = waysFor(testEnvironment)
  const service = await provideService(resolveServiceMode(testEnvironment), {
    ...ways,
    onFallback: (thrown) => sayFallback(ways.name, thrown),
  })
  project.provide(key, service.facts)
  return () => service.stop()
}

/** No engine is the ordinary case on a bare machine and needs no word; one that failed does. */
function sayFallback(name: string, thrown: Error): void {
  if (thrown instanceof ContainerEngineMissingError) return
  process.emitWarning(`${name}: no container (${thrown.message}); going on with native programs`, 'TestServicesWarning')
}
