import { randomBytes } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../transparency/base64.ts'
import { createNoteSigner, isKeyName, type NoteSigner } from '../transparency/note-key.ts'
import { AuditKeyError } from './key-errors.ts'

const PREFIX = 'PRIVATE+KEY+'
const ED25519_TYPE = 0x01
const SEED_BYTES = 32

/**
 * A fresh Ed25519 key in the text form of signed notes, `PRIVATE+KEY+<name>+<id>+<base64>`, which other tools for
 * signed notes read too. The text is the secret: keep it out of the database, of logs and of errors.
 */
export function generateSignerKey(name: string): string {
  const seed = randomBytes(SEED_BYTES)
  const { keyId } = createNoteSigner(name, seed)
  return `${PREFIX}${name}+${keyId}+${encodeBase64(Buffer.concat([Uint8Array.of(ED25519_TYPE), seed]))}`
}

/**
 * Reads a signing key from its text; white space around it is what files and environments add. Throws `AuditKeyError`,
 * which never holds the text.
 */
export function parseSignerKey(text: string): NoteSigner {
  const key = text.trim()
  if (!key.startsWith(PREFIX)) throw new AuditKeyError(`begins with ${PREFIX}`)
  // Base64 may contain plus signs and a name may not, so only the first two of the rest separate.
  const [, name = '', keyId = '', encoded = ''] = /^([^+]*)\+([^+]*)\+(.*)$/su.exec(key.slice(PREFIX.length)) ?? []
  if (!isKeyName(name)) throw new AuditKeyError('has a name without spaces and plus signs')
  const bytes = decodeBase64(encoded)
  if (bytes?.length !== 1 + SEED_BYTES || bytes[0] !== ED25519_TYPE) throw new AuditKeyError('is Ed25519, type 1, in base64')
  const signer = createNoteSigner(name, bytes.subarray(1))
  if (signer.keyId !== keyId) throw new AuditKeyError('has the id of its own name and key')
  return signer
}
