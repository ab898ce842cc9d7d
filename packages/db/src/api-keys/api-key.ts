import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * `owner`: works with its own investigations. `auditor`: reads those of everybody and changes nothing. `operator`: sees
 * health and metrics, and no investigation.
 */
export const API_ROLES = ['owner', 'auditor', 'operator'] as const
export type ApiRole = (typeof API_ROLES)[number]

/** What is known of a key, the secret aside. */
export interface ApiKey {
  /** Names the key; not secret. */
  readonly prefix: string
  /** On whose behalf it acts: a pseudonym, the owner of the investigations that it submits. */
  readonly subject: string
  readonly role: ApiRole
  /** What it is for, in the words of who made it. */
  readonly label: string
  readonly createdAt: Date
  /** From then on it is refused; null: never. */
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
}

/** A key that somebody presents: its name, and the hash of its secret. */
export interface PresentedKey {
  readonly prefix: string
  readonly secretSha256: Buffer
}

const KEY = /^cid_(?<prefix>[0-9a-f]{8})_(?<secret>[\w-]{43})$/
const PREFIX_BYTES = 4
const SECRET_BYTES = 32

/** A new key, and the hash that is kept of it. The key itself is nowhere else. */
export function generateKey(): PresentedKey & { readonly key: string } {
  const prefix = randomBytes(PREFIX_BYTES).toString('hex')
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return { prefix, secretSha256: hashOf(secret), key: `cid_${prefix}_${secret}` }
}

/** Undefined for what cannot be one of our keys. */
export function parseKey(text: string): PresentedKey | undefined {
  const { prefix, secret } = KEY.exec(text)?.groups ?? {}
  return prefix === undefined || secret === undefined ? undefined : { prefix, secretSha256: hashOf(secret) }
}

/** Takes the same time wherever the two differ. */
export function isSameSecret(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** One round: there is nothing to guess in 256 random bits, so a slow hash would only slow down requests. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
