import { toError, type ErrorFacts } from '@cidadao/contracts'
import { RemoteInfraError } from '../errors.ts'

type Primitive = string | number | boolean | null

/**
 * An error as plain data. Structured cloning keeps only message and stack of an error, and makes each class of one's
 * own a plain `Error`: what callers branch on would be lost between threads.
 */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
  readonly facts: ErrorFacts | undefined
  /** Other own properties with plain values, such as `errno` or `status`. */
  readonly properties: Readonly<Record<string, Primitive>>
  readonly cause: WireError | undefined
  readonly errors: readonly WireError[] | undefined
}

/** Bounds on what a failing agent can make another thread hold. */
const MOST_NESTED = 8
const MOST_ENTRIES = 32
const LONGEST_TEXT = 10_000

export function toWireError(thrown: unknown, depth = 0): WireError {
  const error = toError(thrown)
  const nested = (inner: unknown): WireError | undefined =>
    inner === undefined || depth >= MOST_NESTED ? undefined : toWireError(inner, depth + 1)
  const own = ownValues(error)
  return {
    name: classNameOf(error),
    message: clip(error.message),
    stack: typeof error.stack === 'string' ? clip(error.stack) : undefined,
    code: typeof own.code === 'string' ? clip(own.code) : undefined,
    facts: isRecord(own.facts) ? primitivesOf(own.facts) : undefined,
    properties: primitivesOf(own),
    cause: nested(error.cause),
    errors:
      error instanceof AggregateError ? error.errors.slice(0, MOST_ENTRIES).flatMap((inner: unknown) => nested(inner) ?? []) : undefined,
  }
}

/** The error again: an `InfraError` where it was one, else an `Error` with the same name, code and properties. */
export function fromWireError(wire: WireError): Error {
  const cause = wire.cause === undefined ? {} : { cause: fromWireError(wire.cause) }
  const error = rebuild(wire, cause)
  if (wire.stack !== undefined) error.stack = wire.stack
  for (const [key, value] of Object.entries(wire.properties)) {
    if (!(key in error)) Object.defineProperty(error, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return error
}

function rebuild(wire: WireError, cause: { readonly cause?: Error }): Error {
  if (wire.code !== undefined && wire.facts !== undefined) {
    return new RemoteInfraError(wire.name, wire.code, wire.message, { ...cause, facts: wire.facts })
  }
  const error =
    wire.errors === undefined
      ? new Error(wire.message, cause)
      : new AggregateError(
          wire.errors.map((inner) => fromWireError(inner)),
          wire.message,
          cause,
        )
  Object.defineProperty(error, 'name', { value: wire.name, enumerable: false, writable: true, configurable: true })
  return error
}

/** `class BrokenFile extends Error` says `Error` in `name` unless it sets it; the class is what its author means. */
function classNameOf(error: Error): string {
  const name = typeof error.name === 'string' ? error.name : 'Error'
  const constructorName: unknown = (error.constructor as { readonly name?: unknown } | undefined)?.name
  return clip(name === 'Error' && typeof constructorName === 'string' && constructorName !== '' ? constructorName : name)
}

/** A getter may throw, and the error in hand matters more than one of its properties. */
function ownValues(error: Error): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const key of Object.keys(error)) {
    const descriptor = Object.getOwnPropertyDescriptor(error, key)
    if (descriptor !== undefined && 'value' in descriptor) values[key] = descriptor.value
  }
  return values
}

function primitivesOf(values: Readonly<Record<string, unknown>>): Record<string, Primitive> {
  const entries = Object.entries(values).flatMap(([key, value]): [string, Primitive][] => {
    if (typeof value === 'string') return [[key, clip(value)]]
    return value === null || typeof value === 'number' || typeof value === 'boolean' ? [[key, value]] : []
  })
  return Object.fromEntries(entries.slice(0, MOST_ENTRIES))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function clip(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
}
