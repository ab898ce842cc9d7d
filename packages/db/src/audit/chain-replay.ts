import { genesisHash, leafHash, linkHash, type Hash } from './hash-chain.ts'
import { MerkleFrontier } from './transparency/merkle-tree.ts'

export const AUDIT_FAULTS = ['gap', 'leaf', 'link', 'column', 'root', 'signature', 'short', 'inconsistent'] as const

/**
 * What is wrong with a log:
 * `gap` a number is missing · `leaf` a payload is not the one that was hashed · `link` an entry does not continue the
 * one before · `column` a column says something else than the payload · `root` the entries are not those of the
 * checkpoint · `signature` the checkpoint is not by the log's key · `short` entries are missing at the end ·
 * `inconsistent` the head row does not belong to the entries.
 */
export type AuditFault = (typeof AUDIT_FAULTS)[number]

export interface AuditFinding {
  readonly kind: AuditFault
  /** The first entry that cannot be believed; null where the fault cannot be placed. */
  readonly firstBadSeq: number | null
  /** For people. */
  readonly detail: string
}

/** An entry as stored, all as text: nothing parsed, so nothing lost. */
export interface StoredEntry {
  readonly seq: number
  readonly payload: string
  readonly leafHash: string
  readonly prevHash: string
  readonly hashChain: string
  readonly columns: StoredColumns
}

export interface StoredColumns {
  readonly id: string
  readonly investigation: string | null
  readonly agent: string
  readonly action: string
  readonly ts: string
  readonly dataJson: string
}

/** How far a log has been verified; JSON-safe, to go on from later. */
export interface AuditPosition {
  readonly seq: number
  /** hₙ in hex, as recomputed. */
  readonly hashChain: string
  /** Roots of the complete subtrees in hex, largest first. */
  readonly frontier: readonly string[]
  /** Size of the largest checkpoint that was found to hold; 0 for none. */
  readonly anchoredTo: number
}

/**
 * Recomputes a log entry by entry. It starts from the origin, or from a position it reached itself, and never builds on
 * a hash that the database stores: stored hashes are only compared.
 */
export class ChainReplay {
  readonly #origin: string
  readonly #frontier: MerkleFrontier
  #chain: Hash

  constructor(origin: string, from?: AuditPosition) {
    this.#origin = origin
    this.#frontier = from === undefined ? new MerkleFrontier() : MerkleFrontier.restore(from.seq, from.frontier.map(fromHex))
    this.#chain = from === undefined ? genesisHash(origin) : fromHex(from.hashChain)
  }

  get seq(): number {
    return this.#frontier.size
  }

  /** hₙ of the last entry accepted, in hex. */
  get hashChain(): string {
    return toHex(this.#chain)
  }

  /** The Merkle root over all entries accepted. */
  root(): Hash {
    return this.#frontier.root()
  }

  position(anchoredTo: number): AuditPosition {
    return { seq: this.seq, hashChain: this.hashChain, frontier: this.#frontier.hashes().map(toHex), anchoredTo }
  }

  /** Takes the next entry, or tells why it cannot be the next; then the replay has not moved. */
  accept(entry: StoredEntry): AuditFinding | undefined {
    const seq = this.seq + 1
    if (entry.seq !== seq) return { kind: 'gap', firstBadSeq: seq, detail: `entry ${seq} is missing: ${entry.seq} comes next` }
    const leaf = leafHash(entry.payload)
    if (entry.leafHash !== toHex(leaf)) return { kind: 'leaf', firstBadSeq: seq, detail: `the payload of entry ${seq} was changed` }
    const chain = linkHash(seq, this.#chain, leaf)
    if (entry.prevHash !== this.hashChain || entry.hashChain !== toHex(chain)) {
      return { kind: 'link', firstBadSeq: seq, detail: `entry ${seq} does not continue the entries before it` }
    }
    if (payloadOf(entry.columns, this.#origin) !== entry.payload) {
      return { kind: 'column', firstBadSeq: seq, detail: `a column of entry ${seq} says something else than its payload` }
    }
    this.#chain = chain
    this.#frontier.append(leaf)
    return undefined
  }
}

/**
 * The payload that the columns, and the log's origin, stand for. Canonical members come in the order of their names, so
 * one comparison of text checks every column, and that there is no member besides.
 */
function payloadOf(columns: StoredColumns, origin: string): string {
  const { action, agent, dataJson, id, investigation, ts } = columns
  const text = (value: string | null): string => JSON.stringify(value)
  return (
    `{"action":${text(action)},"agent":${text(agent)},"data":${dataJson},"id":${text(id)},` +
    `"investigation":${text(investigation)},"log":${text(origin)},"ts":${text(ts)},"v":1}`
  )
}

function toHex(hash: Hash): string {
  return Buffer.from(hash).toString('hex')
}

function fromHex(hex: string): Hash {
  return Buffer.from(hex, 'hex')
}
