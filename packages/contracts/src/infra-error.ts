/** Facts about a failure that a caller may act on or log. Never secrets, never personal data. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>

export interface InfraErrorOptions {
  /** The original failure. It is logged, never shown to strangers. */
  readonly cause?: unknown
  /** What the caller can act on: names, limits, durations. @default {} */
  readonly facts?: ErrorFacts
}

/**
 * The root of every error that a package throws on purpose.
 *
 * Callers branch on `code`, which never changes once published; the message is for people and may.
 * One subclass for each failure a caller can act on.
 */
export abstract class InfraError extends Error {
  /** Stable, upper-case, prefixed with the package: `DB_POOL_TIMEOUT`. */
  abstract readonly code: string
  readonly facts: ErrorFacts

  constructor(message: string, options: InfraErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.facts = Object.freeze({ ...options.facts })
  }

  /** Safe to send across a process boundary: no cause, no stack. */
  toJSON(): { readonly name: string; readonly code: string; readonly message: string; readonly facts: ErrorFacts } {
    return { name: this.name, code: this.code, message: this.message, facts: this.facts }
  }
}

/** Turns whatever was thrown, which need not be an `Error`, into one. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`a non-error was thrown: ${describe(thrown)}`, { cause: thrown })
}

/** Whether `thrown` is a deliberate failure with the given stable code. */
export function hasCode<Code extends string>(thrown: unknown, code: Code): thrown is Error & { readonly code: Code } {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : JSON.stringify(thrown)
  } catch {
    return Object.prototype.toString.call(thrown)
  }
}
