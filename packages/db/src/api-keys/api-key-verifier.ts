import { systemClock, type Clock } from '@cidadao/contracts'
import { requireInteger } from '../option-checks.ts'
import { isSameSecret, parseKey, type ApiKey, type PresentedKey } from './api-key.ts'
import type { StoredApiKey } from './api-key-store.ts'

export interface ApiKeyVerifierOptions {
  readonly store: { find(prefix: string): Promise<StoredApiKey | undefined> }
  /** How long what was read is believed: a revocation takes effect everywhere after that long at most. In milliseconds. @default 5_000 */
  readonly believedMs?: number
  /** Of how many prefixes the answer is kept, also of those that nobody has. @default 10_000 */
  readonly maxRemembered?: number
  /** @default systemClock */
  readonly clock?: Clock
}

const DEFAULTS = { believedMs: 5_000, maxRemembered: 10_000, clock: systemClock } as const
const NOBODY: Uint8Array = new Uint8Array(32)

interface Remembered {
  readonly stored: StoredApiKey | undefined
  readonly untilMs: number
}

/** Tells whose key somebody presents, mostly without asking the database. */
export class ApiKeyVerifier {
  readonly #options: Required<ApiKeyVerifierOptions>
  readonly #remembered = new Map<string, Remembered>()
  readonly #asked = new Map<string, Promise<StoredApiKey | undefined>>()

  /** Throws `InvalidOptionsError`. */
  constructor(options: ApiKeyVerifierOptions) {
    this.#options = Object.freeze({ ...DEFAULTS, ...options })
    requireInteger('believedMs', this.#options.believedMs, { min: 0 })
    requireInteger('maxRemembered', this.#options.maxRemembered, { min: 1 })
  }

  /** Whether `verify` will answer without asking the database. */
  knows(text: string): boolean {
    const presented = parseKey(text)
    return presented === undefined || this.#recall(presented.prefix) !== undefined
  }

  /** The key, or undefined where it is none, is not this one, was revoked or has expired. Rejects when the database fails. */
  async verify(text: string): Promise<ApiKey | undefined> {
    const presented = parseKey(text)
    if (presented === undefined) return undefined
    const known = this.#recall(presented.prefix)
    return this.#check(known === undefined ? await this.#ask(presented.prefix) : known.stored, presented)
  }

  #check(stored: StoredApiKey | undefined, { secretSha256 }: PresentedKey): ApiKey | undefined {
    const isRight = isSameSecret(stored?.secretSha256 ?? NOBODY, secretSha256)
    if (stored === undefined || !isRight || stored.known.revokedAt !== null) return undefined
    const { expiresAt } = stored.known
    return expiresAt !== null && expiresAt <= this.#options.clock.now() ? undefined : stored.known
  }

  #recall(prefix: string): Remembered | undefined {
    const known = this.#remembered.get(prefix)
    return known !== undefined && known.untilMs > this.#options.clock.monotonicMs() ? known : undefined
  }

  /** Many requests with one key ask once. */
  #ask(prefix: string): Promise<StoredApiKey | undefined> {
    const underWay = this.#asked.get(prefix)
    if (underWay !== undefined) return underWay
    const asking = this.#read(prefix).finally(() => this.#asked.delete(prefix))
    this.#asked.set(prefix, asking)
    return asking
  }

  async #read(prefix: string): Promise<StoredApiKey | undefined> {
    const { store, clock, believedMs, maxRemembered } = this.#options
    // From before the question: what is revoked while it is on its way counts from then.
    const untilMs = clock.monotonicMs() + believedMs
    const stored = await store.find(prefix)
    this.#remembered.delete(prefix)
    this.#remembered.set(prefix, { stored, untilMs })
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest)
    return stored
  }
}

/** Throws `InvalidOptionsError`. */
export function createApiKeyVerifier(options: ApiKeyVerifierOptions): ApiKeyVerifier {
  return new ApiKeyVerifier(options)
}
