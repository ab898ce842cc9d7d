import { AsyncLocalStorage } from 'node:async_hooks'
import { CacheOptionError } from '../errors.ts'

type Reached = Map<string, number>

const TOKEN = /^(?:[\w:.-]{1,128}=\d{1,16})(?:,[\w:.-]{1,128}=\d{1,16}){0,99}$/

/**
 * Read your writes. Within a session every read sees at least what the session has written so far, and what is in the
 * token it began with: in this process, or in any other that the token is carried to.
 */
export class Sessions {
  readonly #storage = new AsyncLocalStorage<Reached>()
  #used = false

  /** Runs `work` as one session. @throws {CacheOptionError} for a token that is none */
  run<T>(token: string | undefined, work: () => T): T {
    this.#used = true
    return this.#storage.run(parseToken(token), work)
  }

  /** As text for a header; `undefined` outside of a session, or before it wrote anything. */
  token(): string | undefined {
    const reached = this.#storage.getStore()
    if (reached === undefined || reached.size === 0) return undefined
    return Array.from(reached, ([namespace, sequence]) => `${namespace}=${sequence}`).join()
  }

  wrote(namespace: string, sequence: number): void {
    if (!this.#used) return
    const reached = this.#storage.getStore()
    reached?.set(namespace, Math.max(reached.get(namespace) ?? 0, sequence))
  }

  /** What a read of the namespace must not be older than; 0 where nothing is asked. Costs nothing before the first session. */
  required(namespace: string): number {
    return this.#used ? (this.#storage.getStore()?.get(namespace) ?? 0) : 0
  }
}

function parseToken(token: string | undefined): Reached {
  if (token === undefined || token === '') return new Map()
  if (!TOKEN.test(token)) throw new CacheOptionError('a session token must be a list of namespace=sequence', { facts: { field: 'token' } })
  const reached: Reached = new Map()
  for (const part of token.split(',')) {
    const at = part.lastIndexOf('=')
    reached.set(part.slice(0, at), Number(part.slice(at + 1)))
  }
  return reached
}
