import { AuditFormatError } from '../audit-errors.ts'
import { HASH_BYTES, sha256, type Hash } from '../hash-chain.ts'

const NODE_PREFIX = Uint8Array.of(0x01)

/** RFC 6962 inner node: `H(0x01 ‖ left ‖ right)`. The prefix keeps a node from ever passing for a leaf. */
export function nodeHash(left: Hash, right: Hash): Buffer {
  return sha256(NODE_PREFIX, left, right)
}

/**
 * The right edge of a growing RFC 6962 tree: the roots of its complete subtrees, largest first, one for each 1 bit of
 * the size. Enough to append and to give the root, in memory that grows with the logarithm of the number of leaves.
 */
export class MerkleFrontier {
  #size = 0
  readonly #subtrees: Hash[] = []

  /** A frontier as `hashes()` gave it at `size`. */
  static restore(size: number, hashes: readonly Hash[]): MerkleFrontier {
    if (!Number.isSafeInteger(size) || size < 0) throw malformed(`size is a whole number from 0, got ${size}`)
    if (hashes.length !== countOnes(size)) throw malformed(`size ${size} has ${countOnes(size)} subtrees, got ${hashes.length}`)
    if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw malformed(`each hash has ${HASH_BYTES} bytes`)
    const frontier = new MerkleFrontier()
    frontier.#size = size
    frontier.#subtrees.push(...hashes)
    return frontier
  }

  get size(): number {
    return this.#size
  }

  append(leaf: Hash): void {
    let subtree = leaf
    // As in adding one to a binary number: every trailing 1 is a complete subtree that merges with the new one.
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      subtree = nodeHash(this.#subtrees.pop() ?? fail('a subtree is missing'), subtree)
    }
    this.#subtrees.push(subtree)
    this.#size += 1
  }

  /** The tree head; of no leaves it is the hash of nothing. */
  root(): Hash {
    return this.#subtrees.length === 0 ? sha256() : this.#subtrees.reduceRight((right, left) => nodeHash(left, right))
  }

  hashes(): readonly Hash[] {
    return [...this.#subtrees]
  }
}

/** RFC 6962 tree head of `leaves`, which are leaf hashes, not entries. */
export function merkleRoot(leaves: readonly Hash[]): Hash {
  const frontier = new MerkleFrontier()
  for (const leaf of leaves) frontier.append(leaf)
  return frontier.root()
}

/** The largest power of two below `size`: where RFC 6962 cuts a tree of two or more leaves. */
export function splitPoint(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

function countOnes(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

function malformed(rule: string): AuditFormatError {
  return new AuditFormatError(`Merkle frontier: ${rule}`, { facts: { format: 'merkle-frontier', rule } })
}

function fail(rule: string): never {
  throw malformed(rule)
}
