import { TestKitOptionsError } from '../errors.ts'

/** Where a service of a test run comes from. */
export const SERVICE_KINDS = ['url', 'container', 'native'] as const
export type ServiceKind = (typeof SERVICE_KINDS)[number]

/** `auto`: containers where an engine answers, else native programs. */
export const SERVICE_MODES = ['docker', 'native', 'auto'] as const
export type ServiceMode = (typeof SERVICE_MODES)[number]

/** Environment variables, given in so that the choice can be tested. */
export type TestEnvironment = Readonly<Record<string, string | undefined>>

/** The kit is set by its own few variables, not by packages/config, which belongs to what is tested. */
// eslint-disable-next-line no-restricted-syntax -- a test fixture may read the environment, and this is its one place
export const testEnvironment: TestEnvironment = process.env

/** @throws TestKitOptionsError */
export function resolveServiceMode(environment: TestEnvironment): ServiceMode {
  const wanted = environment.TEST_SERVICES ?? ''
  if (wanted === '') return 'auto'
  const mode = SERVICE_MODES.find((candidate) => candidate === wanted)
  if (mode === undefined) {
    throw new TestKitOptionsError(`TEST_SERVICES: one of ${SERVICE_MODES.join(', ')} is required, not ${JSON.stringify(wanted)}`, {
      facts: { variable: 'TEST_SERVICES', value: wanted },
    })
  }
  return mode
}

/** A variable's value; empty counts as unset, as CI systems set what they do not know to nothing. */
export function readVariable(environment: TestEnvironment, name: string): string | undefined {
  const value = environment[name]?.trim()
  return value === '' ? undefined : value
}
