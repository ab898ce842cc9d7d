import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiKeyVerifier } from '@cidadao/db'
import type { FastifyRequest } from 'fastify'
import { RateLimitedError, UnauthorizedError } from '../problem-details.ts'
import type { Principal } from './principal.ts'
import type { TokenBuckets } from './token-buckets.ts'

const BEARER = /^Bearer (?<key>\S{1,200})$/
const LOCAL: Principal = Object.freeze({ keyId: 'local', role: 'local', owner: null })

export interface AuthenticatorOptions {
  /** The key of the configuration, or the one made on loopback. */
  readonly localKey: string
  /** Keys of the database; without them there is the local one alone. */
  readonly keys?: Pick<ApiKeyVerifier, 'knows' | 'verify'> | undefined
  /** For questions to the database about keys that nobody may have, by address of the caller. */
  readonly strangers: TokenBuckets
}

/** Tells who a request is from, by `Authorization: Bearer KEY`. */
export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #localDigest: Buffer

  constructor(options: AuthenticatorOptions) {
    this.#options = options
    this.#localDigest = digest(options.localKey)
  }

  /**
   * Undefined where there is no key, or a wrong one. Rejects when the database fails.
   *
   * @throws RateLimitedError when unknown keys come too quickly from one address
   */
  async identify(request: FastifyRequest): Promise<Principal | undefined> {
    const key = BEARER.exec(request.headers.authorization ?? '')?.groups?.key
    if (key === undefined) return undefined
    // Both sides are hashed first, so that neither length nor content leaks by timing.
    if (timingSafeEqual(digest(key), this.#localDigest)) return LOCAL
    const { keys, strangers } = this.#options
    if (keys === undefined) return undefined
    if (!keys.knows(key)) this.#admit(strangers, request.ip)
    const known = await keys.verify(key)
    return known === undefined ? undefined : { keyId: known.prefix, role: known.role, owner: known.subject }
  }

  /** @throws UnauthorizedError */
  async require(request: FastifyRequest): Promise<Principal> {
    const principal = await this.identify(request)
    if (principal === undefined) throw new UnauthorizedError('send "Authorization: Bearer KEY"; "cidadao start" prints the local key')
    return principal
  }

  #admit(strangers: TokenBuckets, address: string): void {
    const taken = strangers.take(address)
    if (taken.outcome === 'refused') throw new RateLimitedError(taken.retryInMs)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
