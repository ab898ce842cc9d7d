import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { UnauthorizedError } from './problem-details.ts'

const BEARER = /^Bearer (?<key>\S+)$/

/** Checks `Authorization: Bearer KEY`. Both sides are hashed first, so that neither length nor content leaks by timing. */
export class KeyCheck {
  readonly #expected: Buffer

  constructor(apiKey: string) {
    this.#expected = digest(apiKey)
  }

  holds(request: FastifyRequest): boolean {
    const key = BEARER.exec(request.headers.authorization ?? '')?.groups?.key
    return key !== undefined && timingSafeEqual(digest(key), this.#expected)
  }

  /** @throws UnauthorizedError without the right key. */
  require(request: FastifyRequest): void {
    if (!this.holds(request)) throw new UnauthorizedError('send "Authorization: Bearer KEY"; "cidadao start" prints the local key')
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
