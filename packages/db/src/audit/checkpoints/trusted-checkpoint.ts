import { hasCode } from '@cidadao/contracts'
import { parseCheckpoint, type Checkpoint } from '../transparency/checkpoint.ts'
import { parseVerifierKey, type NoteVerifier } from '../transparency/note-key.ts'
import { verifyNote } from '../transparency/signed-note.ts'

/** The keys that a log may have signed with: the present one and those before it. All bear the name of the origin. */
export interface TrustedKeys {
  readonly origin: string
  readonly verifiers: readonly TrustedVerifier[]
}

export interface TrustedVerifier extends NoteVerifier {
  readonly vkey: string
}

export type TrustedVerdict =
  | { readonly outcome: 'trusted'; readonly checkpoint: Checkpoint; readonly vkey: string }
  | { readonly outcome: 'refused'; readonly reason: string }

/** Throws `AuditFormatError` for a text that is no verifier key. */
export function trustKeys(origin: string, vkeys: readonly string[]): TrustedKeys {
  return { origin, verifiers: vkeys.map((vkey) => ({ ...parseVerifierKey(vkey), vkey })) }
}

/** Reads a signed checkpoint of this log by one of its keys, whichever it was: that is what lets a key be changed. */
export function readTrusted(note: string, { origin, verifiers }: TrustedKeys): TrustedVerdict {
  try {
    const verdict = verifyNote(note, verifiers)
    if (verdict.outcome === 'refused') return verdict
    const checkpoint = parseCheckpoint(verdict.text)
    if (checkpoint.origin !== origin) return { outcome: 'refused', reason: `it is of the log ${checkpoint.origin}, not of ${origin}` }
    const [signer] = verdict.signers
    const vkey = verifiers.find(
      ({ name, keyId }) => name === origin && verdict.signers.some((by) => by.name === name && by.keyId === keyId),
    )
    return vkey === undefined
      ? { outcome: 'refused', reason: `it is signed by ${signer?.name ?? 'nobody'}, which is not its origin ${origin}` }
      : { outcome: 'trusted', checkpoint, vkey: vkey.vkey }
  } catch (error) {
    if (!hasCode(error, 'DB_AUDIT_FORMAT_INVALID')) throw error
    return { outcome: 'refused', reason: error.message }
  }
}
