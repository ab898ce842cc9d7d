import { toError } from '@cidadao/contracts'
import { CommanderError } from 'commander'

export const EXIT_CODES = { success: 0, failure: 1, usage: 2 } as const
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

/** Failures that the person at the keyboard mends by typing something else. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'CONFIG_INVALID',
  'ORCHESTRATOR_QUERY_NOT_UNDERSTOOD',
  'ORCHESTRATOR_SOURCE_REFUSED',
  'PROCUREMENT_SOURCE_NOT_FOUND',
  'PROCUREMENT_SOURCE_WITHOUT_FILES',
  'PROCUREMENT_FILE_EMPTY',
  'CLI_USAGE',
])

/** 2 when the call was wrong, 1 when something failed. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage
  return USAGE_CODES.has(codeOf(thrown)) ? EXIT_CODES.usage : EXIT_CODES.failure
}

/** One line a problem: what, and how to mend it. The stack is for `--debug`. */
export function errorLines(thrown: unknown): string {
  const error = rootOf(toError(thrown))
  const code = codeOf(error)
  return code === '' ? error.message : `${error.message} [${code}]`
}

function codeOf(thrown: unknown): string {
  const error = rootOf(toError(thrown))
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** That the group did not start is true but of no use to anybody; why its member did not is. */
function rootOf(error: Error): Error {
  return 'code' in error && error.code === 'SERVICE_START_FAILED' && error.cause instanceof Error ? rootOf(error.cause) : error
}
