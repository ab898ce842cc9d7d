import { toError } from '@cidadao/contracts'
import { TierUnavailableError } from '../errors.ts'
import type { TierKey } from '../key.ts'
import type { Tier, TierRead, TierWrite } from './tier.ts'

/** The part of a Keyv that a tier needs. */
export interface KeyvPort {
  getRaw(key: string): Promise<{ readonly value?: unknown; readonly expires?: number | undefined } | undefined>
  set(key: string, value: string, ttlMs?: number): Promise<boolean>
  delete(key: string): Promise<boolean>
  on(event: string, listener: (error: unknown) => void): unknown
  throwOnErrors: boolean
}

export interface KeyvTierOptions {
  /** What policies and lookups call the tier. @default 'keyv' */
  readonly name?: string
  /** Wall clock in milliseconds, to read Keyv's absolute expiry. @default Date.now */
  readonly nowMs?: () => number
}

const PROBE_KEY = 'cache-tier-probe'
const PROBE_TTL_MS = 10_000

/**
 * Any Keyv store as a tier. It promises what get, set and delete can: there is no fence, so a delete on one process
 * cannot stop a fill under way on another (within one process the cache does), and lifetimes are compared on wall
 * clocks. Errors are thrown, not turned into misses: `throwOnErrors` is switched on.
 */
export function keyvTier(keyv: KeyvPort, options: KeyvTierOptions = {}): Tier {
  return new KeyvTier(keyv, options)
}

class KeyvTier implements Tier {
  readonly name: string
  readonly #keyv: KeyvPort
  readonly #nowMs: () => number
  #lastError: unknown

  constructor(keyv: KeyvPort, options: KeyvTierOptions) {
    this.name = options.name ?? 'keyv'
    this.#keyv = keyv
    this.#nowMs = options.nowMs ?? Date.now
    keyv.throwOnErrors = true
    // Without a listener some stores bring the process down; what matters here is rejected as well.
    keyv.on('error', (error) => {
      this.#lastError = error
    })
  }

  async read(key: TierKey): Promise<TierRead> {
    const raw = await this.#guard(() => this.#keyv.getRaw(key.id))
    if (typeof raw?.value !== 'string') return { entry: undefined, generation: undefined }
    const remainingMs = Math.max(0, (raw.expires ?? 0) - this.#nowMs())
    return { entry: { payload: Buffer.from(raw.value, 'base64'), remainingMs }, generation: undefined }
  }

  async write(key: TierKey, entry: TierWrite): Promise<void> {
    // Text, because stores differ in what they do to a Buffer.
    const stored = await this.#guard(() => this.#keyv.set(key.id, entry.payload.toString('base64'), entry.ttlMs))
    if (!stored) throw this.#unavailable(this.#lastError)
  }

  async delete(key: TierKey): Promise<boolean> {
    return this.#guard(() => this.#keyv.delete(key.id))
  }

  async probe(): Promise<void> {
    await this.#guard(() => this.#keyv.set(PROBE_KEY, 'probe', PROBE_TTL_MS))
    await this.#guard(() => this.#keyv.getRaw(PROBE_KEY))
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (thrown) {
      throw this.#unavailable(thrown)
    }
  }

  #unavailable(thrown: unknown): TierUnavailableError {
    const error = toError(thrown ?? new Error('the store refused'))
    return new TierUnavailableError(`Keyv store: ${error.message}`, { cause: error })
  }
}
