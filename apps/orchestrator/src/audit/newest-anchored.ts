import { hasCode, toError } from '@cidadao/contracts'
import { verifyCheckpoint, type AnchorSink } from '@cidadao/db'

/** A checkpoint that an anchor gave back, signed by one of the log's keys. */
export interface AnchoredNote {
  readonly anchor: string
  readonly size: number
  readonly note: string
}

/** What one anchor answered. */
export type AnchorAnswer =
  | ({ readonly outcome: 'holds' } & AnchoredNote)
  /** Nothing yet, or it is of the kind that gives nothing back. */
  | { readonly outcome: 'nothing'; readonly anchor: string }
  | { readonly outcome: 'failed'; readonly anchor: string; readonly reason: string }

const DEADLINE_MS = 10_000

/** Asks all anchors at once. An anchor that fails is an answer too: others may have what is needed. */
export function askAnchors(
  anchors: readonly AnchorSink[],
  vkeys: readonly string[],
  signal: AbortSignal,
): Promise<readonly AnchorAnswer[]> {
  return Promise.all(anchors.map((anchor) => ask(anchor, vkeys, signal)))
}

/** The checkpoint of the largest tree among the answers. */
export function newestOf(answers: readonly AnchorAnswer[]): AnchoredNote | undefined {
  return answers.filter((answer) => answer.outcome === 'holds').toSorted((one, other) => other.size - one.size)[0]
}

async function ask(anchor: AnchorSink, vkeys: readonly string[], signal: AbortSignal): Promise<AnchorAnswer> {
  const { name } = anchor
  try {
    const head = await anchor.latest({ known: undefined, signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]) })
    if (head.kind !== 'note') return { outcome: 'nothing', anchor: name }
    const size = sizeOf(head.note, vkeys)
    if (size !== undefined) return { outcome: 'holds', anchor: name, size, note: head.note }
    return { outcome: 'failed', anchor: name, reason: 'it holds a checkpoint that none of the known keys of this log signed' }
  } catch (error) {
    signal.throwIfAborted()
    return { outcome: 'failed', anchor: name, reason: toError(error).message }
  }
}

/** Entries that the note covers; undefined where none of the keys signed it, or it is no note. */
export function sizeOf(note: string, vkeys: readonly string[]): number | undefined {
  for (const vkey of vkeys) {
    try {
      const verdict = verifyCheckpoint(note, vkey)
      if (verdict.outcome === 'verified') return verdict.checkpoint.size
    } catch (error) {
      if (!hasCode(error, 'DB_AUDIT_FORMAT_INVALID')) throw error
    }
  }
  return undefined
}
