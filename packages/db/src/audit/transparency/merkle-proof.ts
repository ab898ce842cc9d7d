import { timingSafeEqual } from 'node:crypto'
import { AuditFormatError } from '../audit-errors.ts'
import { HASH_BYTES, sha256, type Hash } from '../hash-chain.ts'
import { merkleRoot, nodeHash, splitPoint } from './merkle-tree.ts'

export interface InclusionClaim {
  readonly leaf: Hash
  /** Position of the leaf, from 0; the sequence number less one. */
  readonly index: number
  readonly size: number
  readonly proof: readonly Hash[]
  readonly root: Hash
}

export interface ConsistencyClaim {
  readonly oldSize: number
  readonly oldRoot: Hash
  readonly newSize: number
  readonly newRoot: Hash
  readonly proof: readonly Hash[]
}

/** RFC 6962 audit path of the leaf at `index` (from 0), from its sibling up to a child of the root. */
export function inclusionProof(leaves: readonly Hash[], index: number): readonly Hash[] {
  requireWhole('index', index, leaves.length - 1)
  if (leaves.length === 1) return []
  const split = splitPoint(leaves.length)
  return index < split
    ? [...inclusionProof(leaves.slice(0, split), index), merkleRoot(leaves.slice(split))]
    : [...inclusionProof(leaves.slice(split), index - split), merkleRoot(leaves.slice(0, split))]
}

/** RFC 6962 proof that the tree of the first `oldSize` leaves is a prefix of the tree of all `leaves`. */
export function consistencyProof(leaves: readonly Hash[], oldSize: number): readonly Hash[] {
  requireWhole('old size', oldSize, leaves.length)
  return oldSize === 0 || oldSize === leaves.length ? [] : subproof(leaves, oldSize, true)
}

/** `known`: whether the verifier has this subtree's root already, because it is the whole old tree. */
function subproof(leaves: readonly Hash[], oldSize: number, known: boolean): readonly Hash[] {
  if (oldSize === leaves.length) return known ? [] : [merkleRoot(leaves)]
  const split = splitPoint(leaves.length)
  return oldSize <= split
    ? [...subproof(leaves.slice(0, split), oldSize, known), merkleRoot(leaves.slice(split))]
    : [...subproof(leaves.slice(split), oldSize - split, false), merkleRoot(leaves.slice(0, split))]
}

/** Whether the proof leads from the leaf to the root. Needs nothing but the claim: no log, no writer's code. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  if (!isIndexIn(claim.index, claim.size) || !areHashes([claim.leaf, ...claim.proof])) return false
  const path = new ProofPath(claim.index, claim.size - 1)
  let root = claim.leaf
  for (const sibling of claim.proof) {
    if (path.atRoot) return false
    root = path.isRight() ? nodeHash(sibling, root) : nodeHash(root, sibling)
    path.ascend()
  }
  return path.atRoot && sameHash(root, claim.root)
}

/** Whether the new tree contains the old one as its beginning: nothing before `oldSize` was changed, moved or dropped. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, newSize, oldRoot, newRoot, proof } = claim
  if (!isIndexIn(oldSize, newSize + 1) || !areHashes(proof)) return false
  if (oldSize === newSize) return proof.length === 0 && sameHash(oldRoot, newRoot)
  // Every tree continues the empty one; the claim about the empty tree's own head still has to be right.
  if (oldSize === 0) return proof.length === 0 && sameHash(oldRoot, sha256())
  // A complete old tree is itself a node on the way up, so the proof leaves it out.
  const path = new ProofPath(oldSize - 1, newSize - 1)
  path.skipRightEdges()
  const [seed, ...rest] = path.index === 0 ? [oldRoot, ...proof] : proof
  if (seed === undefined) return false
  let [oldSide, newSide] = [seed, seed]
  for (const sibling of rest) {
    if (path.atRoot) return false
    if (path.isRight()) {
      oldSide = nodeHash(sibling, oldSide)
      newSide = nodeHash(sibling, newSide)
    } else {
      newSide = nodeHash(newSide, sibling)
    }
    path.ascend()
  }
  return path.atRoot && sameHash(oldSide, oldRoot) && sameHash(newSide, newRoot)
}

/** Where a walk up the tree stands: the node's index on its level, and that of the level's last node. */
class ProofPath {
  #index: number
  #last: number

  constructor(index: number, last: number) {
    this.#index = index
    this.#last = last
  }

  get index(): number {
    return this.#index
  }

  get atRoot(): boolean {
    return this.#last === 0
  }

  /** Whether the next sibling stands to the left. The last node of a level may have none there: it then rises alone. */
  isRight(): boolean {
    if (this.#index % 2 === 1) return true
    if (this.#index !== this.#last) return false
    while (this.#index % 2 === 0 && this.#index !== 0) this.ascend()
    return true
  }

  ascend(): void {
    this.#index = Math.floor(this.#index / 2)
    this.#last = Math.floor(this.#last / 2)
  }

  skipRightEdges(): void {
    while (this.#index % 2 === 1) this.ascend()
  }
}

/** With other lengths, bytes could move from one side of a node to the other without changing its hash. */
function areHashes(hashes: readonly Hash[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES)
}

function isIndexIn(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size
}

function requireWhole(field: string, value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return
  const rule = `${field} is a whole number from 0 to ${max}, got ${value}`
  throw new AuditFormatError(`Merkle proof: ${rule}`, { facts: { format: 'merkle-proof', rule } })
}

function sameHash(left: Hash, right: Hash): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}
