import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto'
import { CacheOptionError } from '../errors.ts'

export interface SigningOptions {
  /**
   * Secrets of at least 32 bytes, shared by all processes. The first signs, all are accepted. To change keys: add the
   * new one as the last everywhere, then make it the first, then remove the old one.
   */
  readonly keys: readonly (string | Uint8Array)[]
}

export const SIGNATURE_BYTES = 32
const LEAST_KEY_BYTES = 32

/**
 * Signs entries (HMAC-SHA-256), so that what others put into a shared tier is not believed. It says who wrote an entry
 * for that key, not when: an older entry of the same key, put back by somebody, is still signed.
 */
export class EntrySigner {
  readonly #keys: readonly KeyObject[]

  /** @throws {CacheOptionError}, never with a key in it */
  constructor(options: SigningOptions) {
    if (options.keys.length === 0) throw keyError('signing.keys', 'at least one key', 'none')
    this.#keys = options.keys.map((key, index) => {
      const secret = Buffer.from(key)
      if (secret.length < LEAST_KEY_BYTES) {
        throw keyError(`signing.keys[${index}]`, `at least ${LEAST_KEY_BYTES} bytes long`, `${secret.length} bytes`)
      }
      return createSecretKey(secret)
    })
  }

  sign(parts: readonly Uint8Array[]): Buffer {
    const [signing] = this.#keys
    if (signing === undefined) throw new TypeError('a signer has a key')
    return signatureOf(signing, parts)
  }

  verifies(parts: readonly Uint8Array[], signature: Uint8Array): boolean {
    return this.#keys.some((key) => timingSafeEqual(signatureOf(key, parts), signature))
  }
}

function signatureOf(key: KeyObject, parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

function keyError(field: string, rule: string, got: string): CacheOptionError {
  return new CacheOptionError(`${field} must be ${rule}, got ${got}`, { facts: { field } })
}
