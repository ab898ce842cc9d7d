import { AuditFormatError } from '../audit-errors.ts'
import { readTrusted, trustKeys, type TrustedKeys } from '../checkpoints/trusted-checkpoint.ts'
import { HASH_BYTES, type Hash } from '../hash-chain.ts'
import { decodeBase64, encodeBase64 } from '../transparency/base64.ts'
import type { Checkpoint } from '../transparency/checkpoint.ts'
import { verifyConsistency } from '../transparency/merkle-proof.ts'

export type ConsistencyVerdict =
  | { readonly outcome: 'verified'; readonly older: Checkpoint; readonly newer: Checkpoint }
  | { readonly outcome: 'refused'; readonly reason: string }

export interface ConsistencyProofParts {
  readonly oldSize: number
  readonly proof: readonly Hash[]
  /** The newer signed checkpoint, verbatim. */
  readonly note: string
}

/** The text in which C2SP witnesses are sent a checkpoint: the old size, the proof, and the newer signed checkpoint. */
export function formatConsistencyProof({ oldSize, proof, note }: ConsistencyProofParts): string {
  return `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`
}

/**
 * Whether the checkpoint in `text` goes on from `olderNote`, which you kept: nothing that was signed then was changed,
 * moved or dropped. Needs neither the database nor the code that wrote it.
 */
export function verifyConsistencyProof(
  text: string,
  olderNote: string,
  keys: { readonly origin: string; readonly vkeys: readonly string[] },
): ConsistencyVerdict {
  const { oldSize, proof, note } = parseConsistencyProof(text)
  const trusted: TrustedKeys = trustKeys(keys.origin, keys.vkeys)
  const older = readTrusted(olderNote, trusted)
  if (older.outcome === 'refused') return { outcome: 'refused', reason: `the older checkpoint: ${older.reason}` }
  const newer = readTrusted(note, trusted)
  if (newer.outcome === 'refused') return { outcome: 'refused', reason: `the newer checkpoint: ${newer.reason}` }
  if (older.checkpoint.size !== oldSize) {
    return { outcome: 'refused', reason: `the proof is from ${oldSize} entries, the older checkpoint has ${older.checkpoint.size}` }
  }
  const { size: newSize, root: newRoot } = newer.checkpoint
  const follows = verifyConsistency({ oldSize, oldRoot: older.checkpoint.root, newSize, newRoot, proof })
  return follows
    ? { outcome: 'verified', older: older.checkpoint, newer: newer.checkpoint }
    : { outcome: 'refused', reason: `the checkpoint of ${newSize} entries does not go on from the one of ${oldSize}` }
}

function parseConsistencyProof(text: string): ConsistencyProofParts {
  const border = text.indexOf('\n\n')
  const [first = '', ...lines] = text.slice(0, Math.max(border, 0)).split('\n')
  const [, size] = /^old (0|[1-9]\d{0,15})$/u.exec(first) ?? []
  if (size === undefined) throw malformed('the first line is "old" and the number of entries, and a blank line stands before the note')
  return { oldSize: Number(size), proof: lines.map(parseHash), note: text.slice(border + 2) }
}

function parseHash(line: string): Hash {
  const hash = decodeBase64(line)
  if (hash?.length !== HASH_BYTES) throw malformed('each line of the proof is base64 of 32 bytes')
  return hash
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`consistency proof: ${rule}`, { facts: { format: 'consistency-proof', rule } })
}
