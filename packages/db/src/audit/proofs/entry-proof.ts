import { AuditFormatError } from '../audit-errors.ts'
import { trustKeys, readTrusted } from '../checkpoints/trusted-checkpoint.ts'
import { leafHash } from '../hash-chain.ts'
import { decodeBase64, encodeBase64 } from '../transparency/base64.ts'
import type { Checkpoint } from '../transparency/checkpoint.ts'
import { verifyInclusion } from '../transparency/merkle-proof.ts'
import { formatTlogProof, parseTlogProof, type TlogProof } from '../transparency/tlog-proof.ts'

export type EntryProofVerdict =
  | { readonly outcome: 'verified'; readonly seq: number; readonly payload: string; readonly checkpoint: Checkpoint }
  | { readonly outcome: 'refused'; readonly reason: string }

const EXTRA = /^([^\n]*\n)extra ([^\n]*)\n/u

/** A C2SP tlog-proof that carries the entry itself as its extra data: one file proves one entry. */
export function formatEntryProof(proof: TlogProof, payload: string): string {
  return formatTlogProof(proof).replace('\n', `\nextra ${encodeBase64(Buffer.from(payload))}\n`)
}

/**
 * Whether `text` proves that its entry is in the log `origin`, by one of the log's keys. Needs neither the database nor
 * the code that wrote it. Throws `AuditFormatError` where the text is no proof of an entry.
 */
export function verifyEntryProof(text: string, origin: string, vkeys: readonly string[]): EntryProofVerdict {
  const [, , encoded] = EXTRA.exec(text) ?? []
  const payload = encoded === undefined ? undefined : decodeBase64(encoded)?.toString()
  if (payload === undefined) {
    const rule = 'the extra data is the entry in base64'
    throw new AuditFormatError(`entry proof: ${rule}`, { facts: { format: 'entry-proof', rule } })
  }
  const { index, path, checkpointNote } = parseTlogProof(text)
  const verdict = readTrusted(checkpointNote, trustKeys(origin, vkeys))
  if (verdict.outcome === 'refused') return verdict
  const { checkpoint } = verdict
  const included = verifyInclusion({ leaf: leafHash(payload), index, size: checkpoint.size, proof: path, root: checkpoint.root })
  return included
    ? { outcome: 'verified', seq: index + 1, payload, checkpoint }
    : { outcome: 'refused', reason: `the path does not lead from the entry to the root of ${checkpoint.size} entries` }
}
