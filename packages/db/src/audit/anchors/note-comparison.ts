import { parseCheckpoint, type Checkpoint } from '../transparency/checkpoint.ts'
import { parseNote } from '../transparency/signed-note.ts'
import { AnchorConflictError } from './anchor-errors.ts'

/** The checkpoint of a note, not trusted: for anchors, which keep what others check. Throws `AuditFormatError`. */
export function claimedCheckpoint(note: string): Checkpoint {
  return parseCheckpoint(parseNote(note).text)
}

/**
 * Whether an anchor that holds `held` still needs `offered`. Throws `AnchorConflictError` where both speak of the same
 * size, or of the same log, and not of the same history.
 */
export function isNews(anchor: string, held: string | undefined, offered: string): boolean {
  if (held === undefined) return true
  const [old, next] = [claimedCheckpoint(held), claimedCheckpoint(offered)]
  if (old.origin !== next.origin) throw new AnchorConflictError(anchor, `holds the log ${old.origin}, not ${next.origin}`)
  if (old.size !== next.size) return old.size < next.size
  if (Buffer.compare(old.root, next.root) !== 0) throw new AnchorConflictError(anchor, `holds another history of ${old.size} entries`)
  return false
}
