import { InfraError } from '@cidadao/contracts'

/** The call, or what it relies on, is wrong in a way that the message says how to mend. */
export class UsageError extends InfraError {
  readonly code = 'CLI_USAGE'
}

/** Somebody pressed Ctrl-C, or the system asked the process to end, before the work was done. */
export class InterruptedError extends InfraError {
  readonly code = 'CLI_INTERRUPTED'
}
