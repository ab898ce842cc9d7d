import pg from 'pg'
import type { QueryEvent } from '../events.ts'
import { translateError } from '../errors/translate-error.ts'
import { isDescribedOnce, OnceDescribedQuery, type QueryCallback } from './once-described-query.ts'

type QueryReporter = (event: QueryEvent) => void
type Settled = (error: Error | null | undefined, result?: unknown) => void

/**
 * The driver's client with a stopwatch on `query`: the one path that every statement takes, whether it comes from a
 * repository, from the port for others, from a transaction or from Prisma.
 */
export function meteredClient(report: QueryReporter): typeof pg.Client {
  return class MeteredClient extends pg.Client {
    override query(...args: never[]): never {
      const send = super.query.bind(this)
      return measure(args, report, (measured) => Reflect.apply(send, undefined, toDriverArguments(measured)) as unknown) as never
    }
  }
}

function toDriverArguments(args: readonly unknown[]): readonly unknown[] {
  const [query] = args
  const callback = args.at(-1)
  if (!isDescribedOnce(query) || typeof callback !== 'function') return args
  return [new OnceDescribedQuery(query as pg.QueryConfig, typeof args[1] === 'function' ? undefined : args[1], callback as QueryCallback)]
}

function measure(args: readonly unknown[], report: QueryReporter, send: (args: readonly unknown[]) => unknown): unknown {
  const [query] = args
  // A streaming statement (COPY) brings its own protocol handling and is left alone.
  if (isSubmittable(query)) return send(args)
  const startedMs = performance.now()
  const settle = (error: unknown): void =>
    report({
      operation: operationOf(query),
      durationMs: performance.now() - startedMs,
      outcome: isFailure(error) ? 'failed' : 'ok',
      code: isFailure(error) ? translateError(error).code : null,
    })
  const callback = args.at(-1)
  if (typeof callback === 'function') return send([...args.slice(0, -1), measuredCallback(callback as Settled, settle)])
  const promise = send(args) as Promise<unknown>
  return promise.then(
    (result) => {
      settle(undefined)
      return result
    },
    (error: unknown) => {
      settle(error)
      throw error
    },
  )
}

function measuredCallback(callback: Settled, settle: (error: unknown) => void): Settled {
  return (error, result) => {
    settle(error)
    callback(error, result)
  }
}

/** The driver calls back with null, or with nothing, where all went well. */
export function isFailure(error: unknown): boolean {
  return error !== undefined && error !== null
}

function isSubmittable(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'submit' in query && typeof query.submit === 'function'
}

const VERBS = [
  'select',
  'insert',
  'update',
  'delete',
  'with',
  'begin',
  'commit',
  'rollback',
  'savepoint',
  'release',
  'set',
  'create',
  'alter',
  'drop',
  'truncate',
  'listen',
  'notify',
]

function operationOf(query: unknown): string {
  const { name, text } = typeof query === 'string' ? { name: undefined, text: query } : (query as { name?: unknown; text?: unknown })
  if (typeof name === 'string' && name !== '') return name
  const verb = /^\s*([a-z]+)/i.exec(typeof text === 'string' ? text : '')?.[1]?.toLowerCase() ?? 'other'
  return VERBS.includes(verb) ? verb : 'other'
}
