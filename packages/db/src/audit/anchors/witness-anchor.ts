import { encodeBase64 } from '../transparency/base64.ts'
import { parseNote, verifyNote } from '../transparency/signed-note.ts'
import { AnchorConflictError, AnchorRefusedError, AnchorUnavailableError } from './anchor-errors.ts'
import type { AnchorHead, AnchorQuestion, AnchorReceipt, AnchorSink, AnchorSubmission } from './anchor-sink.ts'
import { parseCosignerKey } from './cosignature.ts'
import { claimedCheckpoint } from './note-comparison.ts'
import type { NoteVerifier } from '../transparency/note-key.ts'
import type { Hash } from '../hash-chain.ts'

export interface WitnessAnchorOptions {
  /** @default the witness's own name */
  readonly name?: string
  /** The submission prefix: `add-checkpoint` is asked below it. No credentials: the protocol knows none. */
  readonly url: string
  /** The witness's public key as C2SP verifier key, type 4. */
  readonly vkey: string
}

/** Between two tries another process may have been there; more often than this it is not chance. */
const ATTEMPTS = 3
const LONGEST_ANSWER_BYTES = 65_536
const SIZE = /^(?:0|[1-9]\d{0,15})\n?$/u

type Answer =
  | { readonly outcome: 'cosigned'; readonly lines: readonly string[] }
  /** The witness has seen a tree of another size than it was told. */
  | { readonly outcome: 'at'; readonly size: number }

/**
 * A witness that speaks C2SP tlog-witness: it checks by itself that each checkpoint continues the one before, and then
 * signs it too. It cannot give checkpoints back, but tells the size that it has seen.
 */
export function createWitnessAnchor(options: WitnessAnchorOptions): AnchorSink {
  const witness = new Witness(options)
  return { name: witness.name, latest: (question) => witness.latest(question), put: (submission) => witness.put(submission) }
}

class Witness {
  readonly name: string
  readonly #url: string
  readonly #verifier: NoteVerifier
  /** What it is believed to have seen; wrong guesses cost one more question. */
  #seen = 0

  constructor({ name, url, vkey }: WitnessAnchorOptions) {
    this.#verifier = parseCosignerKey(vkey)
    this.name = name ?? this.#verifier.name
    this.#url = new URL('add-checkpoint', url.endsWith('/') ? url : `${url}/`).href
  }

  async latest({ known, signal }: AnchorQuestion): Promise<AnchorHead> {
    if (known === undefined) return { kind: 'nothing' }
    // With 0 for the size that it last saw, the witness answers with the right one, unless it has seen nothing yet.
    const answer = await this.#ask({ note: known, oldSize: 0, proof: [], signal })
    this.#seen = answer.outcome === 'at' ? answer.size : claimedCheckpoint(known).size
    return { kind: 'size', size: this.#seen }
  }

  async put(submission: AnchorSubmission): Promise<AnchorReceipt> {
    const { note, size, signal } = submission
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const proof = this.#seen === 0 || this.#seen === size ? [] : await submission.consistencyFrom(this.#seen)
      const answer = await this.#ask({ note, oldSize: this.#seen, proof, signal })
      if (answer.outcome === 'cosigned') {
        this.#seen = size
        return { cosignatures: answer.lines }
      }
      if (answer.size > size) throw new AnchorConflictError(this.name, `has seen ${answer.size} entries, more than the ${size} offered`)
      if (answer.size === this.#seen) break
      this.#seen = answer.size
    }
    throw new AnchorConflictError(this.name, `has seen another history of ${this.#seen} entries`)
  }

  async #ask(request: {
    readonly note: string
    readonly oldSize: number
    readonly proof: readonly Hash[]
    readonly signal: AbortSignal
  }): Promise<Answer> {
    const { note, oldSize, proof, signal } = request
    const body = `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`
    const { status, text } = await this.#post(body, signal)
    switch (status) {
      case 200:
        return { outcome: 'cosigned', lines: this.#checked(note, text) }
      case 409:
        if (!SIZE.test(text)) throw new AnchorConflictError(this.name, `has seen another history of ${oldSize} entries`)
        return { outcome: 'at', size: Number(text) }
      case 422:
        throw new AnchorConflictError(this.name, `was given no proof that this history continues the ${oldSize} entries it has seen`)
      case 400:
      case 403:
      case 404:
        throw new AnchorRefusedError(this.name, `does not take the checkpoint (${status}): does it know this log and its key?`)
      default:
        throw new AnchorUnavailableError(this.name, `answered ${status}`)
    }
  }

  async #post(body: string, signal: AbortSignal): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const response = await fetch(this.#url, { method: 'POST', body, signal, redirect: 'error' })
      return { status: response.status, text: await readBounded(response) }
    } catch (error) {
      throw new AnchorUnavailableError(this.name, 'does not answer', error)
    }
  }

  /** The lines that the witness's own key has signed over this very note; others are dropped, as the protocol asks. */
  #checked(note: string, answer: string): readonly string[] {
    const { text } = parseNote(note)
    const mine = answer.split('\n').filter((line) => {
      if (line === '') return false
      const verdict = verifyNote(`${text}\n${line}\n`, [this.#verifier])
      return verdict.outcome === 'verified'
    })
    if (mine.length === 0) throw new AnchorRefusedError(this.name, 'gave no signature by the key that it was announced with')
    return mine
  }
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  const body = response.body as AsyncIterable<Uint8Array> | null
  for await (const part of body ?? []) {
    size += part.length
    if (size > LONGEST_ANSWER_BYTES) throw new RangeError(`an answer has at most ${LONGEST_ANSWER_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
