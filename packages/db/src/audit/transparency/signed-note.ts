import { AuditFormatError } from '../audit-errors.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { isKeyName, type NoteKeyName, type NoteSigner, type NoteVerifier } from './note-key.ts'

const KEY_ID_BYTES = 4
const MAX_NOTE_BYTES = 1_048_576
const MAX_SIGNATURES = 100
const SIGNATURE_LINE = /^— (\S+) (\S+)$/u

/** A signature line, as written; trusted only once a verifier's key has been over it. */
export interface NoteSignature extends NoteKeyName {
  readonly signature: Uint8Array
}

export interface ParsedNote {
  /** What the signatures cover, with its final line feed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export type NoteVerdict =
  | { readonly outcome: 'verified'; readonly text: string; readonly signers: readonly NoteKeyName[] }
  | { readonly outcome: 'refused'; readonly reason: string }

/** A C2SP signed note of `text`, which ends in a line feed, with one signature line a signer. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  requireText(text)
  if (signers.length === 0) throw malformed('a note has at least one signature')
  return `${text}\n${signers.map((signer) => signatureLine(signer, text)).join('')}`
}

/** The same note with further signatures, from a witness or a newer key; those it has are kept. */
export function cosignNote(note: string, signers: readonly NoteSigner[]): string {
  const { text } = parseNote(note)
  return note + signers.map((signer) => signatureLine(signer, text)).join('')
}

/** Takes a note apart without trusting it. Throws `AuditFormatError` where it is not one. */
export function parseNote(note: string): ParsedNote {
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw malformed(`a note has at most ${MAX_NOTE_BYTES} bytes`)
  const border = note.lastIndexOf('\n\n')
  if (border < 0 || !note.endsWith('\n')) throw malformed('a blank line stands before the signatures, a line feed at the end')
  const text = note.slice(0, border + 1)
  requireText(text)
  const lines = note.slice(border + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) throw malformed(`a note has at most ${MAX_SIGNATURES} signatures`)
  return { text, signatures: lines.map(parseSignatureLine) }
}

/**
 * Checks a note against the keys that are trusted. Signatures of other keys are ignored; every one that claims a
 * trusted key must be right, and there must be one. Only then may the text be looked at.
 */
export function verifyNote(note: string, verifiers: readonly NoteVerifier[]): NoteVerdict {
  const { text, signatures } = parseNote(note)
  const signers: NoteKeyName[] = []
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((candidate) => candidate.name === name && candidate.keyId === keyId)
    if (verifier === undefined) continue
    if (!verifier.verify(text, signature)) return { outcome: 'refused', reason: `the signature of ${name} (${keyId}) is wrong` }
    signers.push({ name, keyId })
  }
  return signers.length === 0 ? { outcome: 'refused', reason: 'no signature is by a trusted key' } : { outcome: 'verified', text, signers }
}

function signatureLine(signer: NoteSigner, text: string): string {
  return `— ${signer.name} ${encodeBase64(Buffer.concat([Buffer.from(signer.keyId, 'hex'), signer.sign(text)]))}\n`
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? []
  const bytes = decodeBase64(encoded)
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw malformed('a signature line is a dash, the name and base64 of key id and signature')
  }
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES).toString('hex'), signature: bytes.subarray(KEY_ID_BYTES) }
}

function requireText(text: string): void {
  if (!text.endsWith('\n')) throw malformed('the text ends in a line feed')
  if (/[\u0000-\u0009\u000b-\u001f]|\p{Surrogate}/u.test(text)) throw malformed('the text has no control characters but line feeds')
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`signed note: ${rule}`, { facts: { format: 'signed-note', rule } })
}
