import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { AuditFormatError } from '../audit-errors.ts'
import { sha256 } from '../hash-chain.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'

/** The C2SP signature type of plain Ed25519. */
const ED25519_TYPE = 0x01
const ED25519_KEY_BYTES = 32
const KEY_ID_BYTES = 4
/** What DER puts before the 32 bytes of an Ed25519 private (RFC 8410 PKCS #8) or public (SPKI) key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** Who a signature is by: the pair identifies a key, neither does alone. */
export interface NoteKeyName {
  readonly name: string
  /** First four bytes of the key's hash, in hex. */
  readonly keyId: string
}

export interface NoteSigner extends NoteKeyName {
  /** The public half, in the form verifiers are configured with. */
  readonly vkey: string
  sign(text: string): Uint8Array
}

export interface NoteVerifier extends NoteKeyName {
  verify(text: string, signature: Uint8Array): boolean
}

/** A signer from an Ed25519 private key: a `KeyObject` or its 32-byte seed. */
export function createNoteSigner(name: string, key: KeyObject | Uint8Array): NoteSigner {
  requireKeyName(name)
  const privateKey = key instanceof Uint8Array ? privateKeyFromSeed(key) : key
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') throw malformed('the key is an Ed25519 private key')
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
  const keyId = keyIdOf(name, publicKey)
  const vkey = `${name}+${keyId}+${encodeBase64(Buffer.concat([Uint8Array.of(ED25519_TYPE), publicKey]))}`
  return Object.freeze({ name, keyId, vkey, sign: (text: string) => sign(null, Buffer.from(text), privateKey) })
}

/** A verifier from its text `name+id+base64(type ‖ key)`. The id must be that of the name and key. */
export function parseVerifierKey(vkey: string): NoteVerifier {
  // Base64 may contain plus signs and a name may not, so only the first two separate.
  const [, name = '', keyId = '', encoded = ''] = /^([^+]*)\+([^+]*)\+(.*)$/su.exec(vkey) ?? []
  requireKeyName(name)
  const bytes = decodeBase64(encoded)
  if (bytes?.length !== 1 + ED25519_KEY_BYTES || bytes[0] !== ED25519_TYPE) throw malformed('the key is Ed25519, type 1, in base64')
  const publicKey = bytes.subarray(1)
  if (keyId !== keyIdOf(name, publicKey)) throw malformed(`the key id belongs to another name or key: ${keyId}`)
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
  return Object.freeze({ name, keyId, verify: (text: string, signature: Uint8Array) => verify(null, Buffer.from(text), key, signature) })
}

/** Whether `name` may stand in a signature line and in a verifier key. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+\p{White_Space}\p{Control}\p{Surrogate}]/u.test(name)
}

function requireKeyName(name: string): void {
  if (!isKeyName(name)) throw malformed(`a name is not empty and has no space and no plus, got "${name}"`)
}

function keyIdOf(name: string, publicKey: Uint8Array): string {
  return sha256(Buffer.from(`${name}\n`), Uint8Array.of(ED25519_TYPE), publicKey)
    .subarray(0, KEY_ID_BYTES)
    .toString('hex')
}

function privateKeyFromSeed(seed: Uint8Array): KeyObject {
  if (seed.length !== ED25519_KEY_BYTES) throw malformed(`a seed has ${ED25519_KEY_BYTES} bytes, got ${seed.length}`)
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`note key: ${rule}`, { facts: { format: 'note-key', rule } })
}
