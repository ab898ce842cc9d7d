import { AuditFormatError } from '../audit-errors.ts'
import { HASH_BYTES, type Hash } from '../hash-chain.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts'
import { verifyInclusion } from './merkle-proof.ts'

const HEADER = 'c2sp.org/tlog-proof@v1'

/** A proof that stands alone: with the log's public key, anybody can check that an entry is in the log. */
export interface TlogProof {
  /** Position of the entry, from 0. */
  readonly index: number
  readonly path: readonly Hash[]
  /** The signed checkpoint whose tree the path belongs to, verbatim. */
  readonly checkpointNote: string
}

export type TlogProofVerdict =
  | { readonly outcome: 'verified'; readonly index: number; readonly checkpoint: Checkpoint }
  | { readonly outcome: 'refused'; readonly reason: string }

/** The C2SP text of the proof, for a `.tlog-proof` file. */
export function formatTlogProof(proof: TlogProof): string {
  const path = proof.path.map((hash) => `${encodeBase64(hash)}\n`).join('')
  return `${HEADER}\nindex ${proof.index}\n${path}\n${proof.checkpointNote}`
}

/** Reads a proof without trusting it. Unauthenticated `extra` data is skipped. */
export function parseTlogProof(text: string): TlogProof {
  const border = text.indexOf('\n\n')
  if (border < 0) throw malformed('a blank line stands before the checkpoint')
  const [header, ...lines] = text.slice(0, border).split('\n')
  if (header !== HEADER) throw malformed(`the first line is ${HEADER}`)
  if (lines[0]?.startsWith('extra ')) lines.shift()
  const [, index] = /^index (0|[1-9]\d*)$/u.exec(lines.shift() ?? '') ?? []
  if (index === undefined || !Number.isSafeInteger(Number(index))) throw malformed('the index is decimal and below 2^53')
  return { index: Number(index), path: lines.map(parseHash), checkpointNote: text.slice(border + 2) }
}

/** Whether `text` proves that `leaf` is in the log with the key `vkey`. */
export function verifyTlogProof(text: string, leaf: Hash, vkey: string): TlogProofVerdict {
  const { index, path, checkpointNote } = parseTlogProof(text)
  const verdict = verifyCheckpoint(checkpointNote, vkey)
  if (verdict.outcome === 'refused') return verdict
  const { checkpoint } = verdict
  const included = verifyInclusion({ leaf, index, size: checkpoint.size, proof: path, root: checkpoint.root })
  return included
    ? { outcome: 'verified', index, checkpoint }
    : { outcome: 'refused', reason: `the path does not lead from the entry to the root of ${checkpoint.size} entries` }
}

function parseHash(line: string): Hash {
  const hash = decodeBase64(line)
  if (hash?.length !== HASH_BYTES) throw malformed('each line of the path is base64 of 32 bytes')
  return hash
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`tlog-proof: ${rule}`, { facts: { format: 'tlog-proof', rule } })
}
