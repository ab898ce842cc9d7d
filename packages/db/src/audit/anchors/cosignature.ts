import { createPublicKey, verify } from 'node:crypto'
import { AuditFormatError } from '../audit-errors.ts'
import { sha256 } from '../hash-chain.ts'
import { decodeBase64 } from '../transparency/base64.ts'
import { isKeyName, type NoteVerifier } from '../transparency/note-key.ts'

/** The C2SP signature type of timestamped Ed25519 cosignatures. */
const COSIGNATURE_TYPE = 0x04
const KEY_BYTES = 32
const TIME_BYTES = 8
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** The text that a witness signs: its time in seconds since 1970, and the whole text of the checkpoint. */
export function cosignedText(text: string, seconds: bigint): string {
  return `cosignature/v1\ntime ${seconds}\n${text}`
}

/**
 * A verifier of the cosignatures of a witness, from its verifier key `name+id+base64(4 ‖ key)`. Throws
 * `AuditFormatError`.
 */
export function parseCosignerKey(vkey: string): NoteVerifier {
  const [, name = '', keyId = '', encoded = ''] = /^([^+]*)\+([^+]*)\+(.*)$/su.exec(vkey) ?? []
  const bytes = decodeBase64(encoded)
  if (!isKeyName(name) || bytes?.length !== 1 + KEY_BYTES || bytes[0] !== COSIGNATURE_TYPE) {
    throw malformed('the verifier key is a name, an id and an Ed25519 key of type 4 in base64')
  }
  const publicKey = bytes.subarray(1)
  if (keyId !== cosignerKeyId(name, publicKey)) throw malformed(`the key id belongs to another name or key: ${keyId}`)
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
  return Object.freeze({
    name,
    keyId,
    verify: (text: string, signature: Uint8Array) => {
      if (signature.length <= TIME_BYTES) return false
      const seconds = Buffer.from(signature).readBigUInt64BE(0)
      return verify(null, Buffer.from(cosignedText(text, seconds)), key, signature.subarray(TIME_BYTES))
    },
  })
}

export function cosignerKeyId(name: string, publicKey: Uint8Array): string {
  return sha256(Buffer.from(`${name}\n`), Uint8Array.of(COSIGNATURE_TYPE), publicKey)
    .subarray(0, 4)
    .toString('hex')
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`cosignature: ${rule}`, { facts: { format: 'cosignature', rule } })
}
