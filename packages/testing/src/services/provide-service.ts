import { toError } from '@cidadao/contracts'
import { TestServiceUnavailableError } from '../errors.ts'
import type { ServiceMode } from './service-choice.ts'

/** A running service: what the tests get to know of it, and how to end it. */
export interface ProvidedService<Facts> {
  readonly facts: Facts
  stop(): Promise<void>
}

/** The three ways to one service. */
export interface ServiceWays<Facts> {
  readonly name: string
  /** Present where the user named a server. Then nothing else is tried. */
  readonly url?: (() => Promise<ProvidedService<Facts>>) | undefined
  readonly container: () => Promise<ProvidedService<Facts>>
  readonly native: () => Promise<ProvidedService<Facts>>
  /** Told why the run goes on with native programs although containers came first. */
  readonly onFallback?: (reason: Error) => void
}

/**
 * Server by URL, else container, else native. A named way (a URL, `docker`, `native`) that fails is an error; only
 * `auto` goes on to the next.
 */
export async function provideService<Facts>(mode: ServiceMode, ways: ServiceWays<Facts>): Promise<ProvidedService<Facts>> {
  if (ways.url !== undefined) return ways.url()
  if (mode === 'docker') return ways.container()
  if (mode === 'native') return ways.native()
  let containerFailure: Error
  try {
    return await ways.container()
  } catch (thrown) {
    containerFailure = toError(thrown)
    ways.onFallback?.(containerFailure)
  }
  try {
    return await ways.native()
  } catch (thrown) {
    const nativeFailure = toError(thrown)
    throw new TestServiceUnavailableError(
      `no ${ways.name} for the tests. Container: ${containerFailure.message}. Native: ${nativeFailure.message}`,
      {
        cause: new AggregateError([containerFailure, nativeFailure]),
        facts: { service: ways.name },
      },
    )
  }
}
