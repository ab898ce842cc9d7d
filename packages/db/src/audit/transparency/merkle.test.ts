import { describe, expect, it } from 'vitest'
import { leafHash, sha256, type Hash } from '../hash-chain.ts'
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './merkle-proof.ts'
import { MerkleFrontier, merkleRoot, splitPoint } from './merkle-tree.ts'

const MAX = 33
const leaves = Array.from({ length: MAX }, (_, index) => leafHash(`entry ${index}`))
const first = (size: number): readonly Hash[] => leaves.slice(0, size)

/** The definition of RFC 6962 section 2.1, word for word, to compare the implementation with. */
function rootByDefinition(part: readonly Hash[]): Hash {
  const [only] = part
  if (only === undefined) return sha256()
  if (part.length === 1) return only
  const split = splitPoint(part.length)
  return sha256(Uint8Array.of(1), rootByDefinition(part.slice(0, split)), rootByDefinition(part.slice(split)))
}

function flipped(hash: Hash): Hash {
  const copy = Uint8Array.from(hash)
  copy[7] = (copy[7] ?? 0) ^ 1
  return copy
}

describe('the Merkle tree', () => {
  it('has the root that RFC 6962 defines, at every size from 0 to 33', () => {
    for (let size = 0; size <= MAX; size += 1) expect(merkleRoot(first(size)), `size ${size}`).toEqual(rootByDefinition(first(size)))
  })

  it('keeps leaves and nodes apart: a node read as an entry has another hash (pitfalls 10 and 11)', () => {
    const [left, right] = [leafHash('a'), leafHash('b')]
    expect(merkleRoot([left, right])).not.toEqual(sha256(left, right))
    expect(sha256(Uint8Array.of(0), left, right)).not.toEqual(merkleRoot([left, right]))
    expect(leafHash('a')).not.toEqual(sha256(Buffer.from('a')))
  })

  it('goes on from a restored frontier', () => {
    for (let size = 0; size < MAX; size += 1) {
      const begun = new MerkleFrontier()
      for (const leaf of first(size)) begun.append(leaf)
      const resumed = MerkleFrontier.restore(size, begun.hashes())
      for (const leaf of leaves.slice(size)) resumed.append(leaf)
      expect(resumed.root()).toEqual(merkleRoot(leaves))
    }
  })

  it('refuses a frontier that no tree of the size has', () => {
    expect(() => MerkleFrontier.restore(3, [leafHash('a')])).toThrow('size 3 has 2 subtrees, got 1')
    expect(() => MerkleFrontier.restore(1, [Buffer.alloc(31)])).toThrow('32 bytes')
    expect(() => MerkleFrontier.restore(-1, [])).toThrow('from 0')
  })
})

describe('inclusion proofs', () => {
  it('hold for every leaf of every tree up to size 33, and for no other leaf, index, size or root', () => {
    for (let size = 1; size <= MAX; size += 1) {
      const root = merkleRoot(first(size))
      for (let index = 0; index < size; index += 1) {
        const claim = { leaf: leaves[index] ?? Buffer.alloc(0), index, size, proof: inclusionProof(first(size), index), root }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, leaf: flipped(claim.leaf) })).toBe(false)
        expect(verifyInclusion({ ...claim, root: flipped(root) })).toBe(false)
        if (size > 1) expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: [...claim.proof, leafHash('more')] })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) })).toBe(size === 1)
        for (const step of claim.proof.keys()) {
          expect(verifyInclusion({ ...claim, proof: claim.proof.with(step, flipped(claim.proof[step] ?? root)) })).toBe(false)
        }
      }
    }
  })

  it('refuse positions outside the tree, and hashes of another length', () => {
    const proof = inclusionProof(first(5), 2)
    const claim = { leaf: leafHash('entry 2'), index: 2, size: 5, proof, root: merkleRoot(first(5)) }
    expect(verifyInclusion(claim)).toBe(true)
    for (const index of [-1, 5, 1.5, Number.NaN]) expect(verifyInclusion({ ...claim, index })).toBe(false)
    // The bytes of two siblings, cut elsewhere, have the same hash as their parent.
    const [left = Buffer.alloc(0), right = Buffer.alloc(0)] = [leaves[0], leaves[1]]
    const joined = Buffer.concat([left, right])
    const cutElsewhere = { leaf: joined.subarray(0, 40), index: 0, size: 2, proof: [joined.subarray(40)], root: merkleRoot(first(2)) }
    expect(verifyInclusion(cutElsewhere)).toBe(false)
  })

  it('cannot be asked for a leaf that is not there', () => {
    expect(() => inclusionProof(first(3), 3)).toThrow('index is a whole number from 0 to 2, got 3')
    expect(() => inclusionProof([], 0)).toThrow('index')
  })
})

describe('consistency proofs', () => {
  it('hold between every two sizes up to 33, and for no changed root, proof or size', () => {
    for (let newSize = 1; newSize <= MAX; newSize += 1) {
      for (let oldSize = 1; oldSize <= newSize; oldSize += 1) {
        const proof = consistencyProof(first(newSize), oldSize)
        const claim = { oldSize, newSize, proof, oldRoot: merkleRoot(first(oldSize)), newRoot: merkleRoot(first(newSize)) }
        expect(verifyConsistency(claim), `${oldSize} → ${newSize}`).toBe(true)
        expect(verifyConsistency({ ...claim, oldRoot: flipped(claim.oldRoot) })).toBe(false)
        expect(verifyConsistency({ ...claim, newRoot: flipped(claim.newRoot) })).toBe(false)
        expect(verifyConsistency({ ...claim, proof: [...proof, leafHash('more')] })).toBe(false)
        if (proof.length > 0) expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false)
        for (const step of proof.keys()) {
          expect(verifyConsistency({ ...claim, proof: proof.with(step, flipped(proof[step] ?? claim.newRoot)) })).toBe(false)
        }
      }
    }
  })

  it('do not exist for a history that was rewritten', () => {
    const rewritten = first(20).with(4, leafHash('another entry 4'))
    const proof = consistencyProof(rewritten, 10)
    expect(verifyConsistency({ oldSize: 10, newSize: 20, proof, oldRoot: merkleRoot(first(10)), newRoot: merkleRoot(rewritten) })).toBe(
      false,
    )
  })

  it('need nothing for the empty tree, but its root has to be right', () => {
    const claim = { oldSize: 0, newSize: 5, proof: [], oldRoot: merkleRoot([]), newRoot: merkleRoot(first(5)) }
    expect(consistencyProof(first(5), 0)).toEqual([])
    expect(verifyConsistency(claim)).toBe(true)
    expect(verifyConsistency({ ...claim, oldRoot: leafHash('a') })).toBe(false)
    expect(verifyConsistency({ ...claim, oldSize: 6 })).toBe(false)
  })
})
