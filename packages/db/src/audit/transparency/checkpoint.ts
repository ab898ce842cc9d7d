import { AuditFormatError } from '../audit-errors.ts'
import { HASH_BYTES, type Hash } from '../hash-chain.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { parseVerifierKey, type NoteSigner } from './note-key.ts'
import { signNote, verifyNote } from './signed-note.ts'

/** A log's state in three facts; whoever holds it can tell whether the log still contains that history. */
export interface Checkpoint {
  /** The log's identity; also the name of the key that signs. */
  readonly origin: string
  /** How many entries the tree has. */
  readonly size: number
  readonly root: Hash
}

export type CheckpointVerdict =
  { readonly outcome: 'verified'; readonly checkpoint: Checkpoint } | { readonly outcome: 'refused'; readonly reason: string }

/** The C2SP text of a checkpoint: origin, size and base64 root, a line each. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint
  if (origin === '' || origin.includes('\n')) throw malformed('the origin is one line and not empty')
  if (!Number.isSafeInteger(size) || size < 0) throw malformed(`the size is a whole number from 0, got ${size}`)
  if (root.length !== HASH_BYTES) throw malformed(`the root has ${HASH_BYTES} bytes, got ${root.length}`)
  return `${origin}\n${size}\n${encodeBase64(root)}\n`
}

/** Reads the text of a checkpoint. Extension lines are allowed by the format and ignored; nobody can check them. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n')
  const [origin = '', sizeText = '', rootText = ''] = lines
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) throw malformed('three or more lines, none empty, each ended')
  if (!/^(?:0|[1-9]\d*)$/u.test(sizeText)) throw malformed(`the size is decimal without leading zeros, got "${sizeText}"`)
  const root = decodeBase64(rootText)
  if (root?.length !== HASH_BYTES) throw malformed('the root is base64 of 32 bytes')
  const checkpoint = { origin, size: Number(sizeText), root }
  if (!Number.isSafeInteger(checkpoint.size)) throw malformed(`the size is below 2^53, got ${sizeText}`)
  return checkpoint
}

/** A signed checkpoint. The log's own signer bears the origin's name; further signers are witnesses. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  if (!signers.some((signer) => signer.name === checkpoint.origin)) throw malformed('one signer bears the name of the origin')
  return signNote(formatCheckpoint(checkpoint), signers)
}

/** Reads a signed checkpoint that must be by the log itself: signed with `vkey`, whose name is the origin. */
export function verifyCheckpoint(note: string, vkey: string): CheckpointVerdict {
  const verifier = parseVerifierKey(vkey)
  const verdict = verifyNote(note, [verifier])
  if (verdict.outcome === 'refused') return verdict
  const checkpoint = parseCheckpoint(verdict.text)
  return checkpoint.origin === verifier.name
    ? { outcome: 'verified', checkpoint }
    : { outcome: 'refused', reason: `signed by ${verifier.name}, which is not its origin ${checkpoint.origin}` }
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`checkpoint: ${rule}`, { facts: { format: 'checkpoint', rule } })
}
