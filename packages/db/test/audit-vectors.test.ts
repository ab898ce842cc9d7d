import { describe, expect, it } from 'vitest'
import type { AuditPayload } from '../src/audit/audit-payload.ts'
import { toPayloadText } from '../src/audit/audit-payload.ts'
import { commitmentOf, opensCommitment } from '../src/audit/commitment.ts'
import { genesisHash, leafHash, linkHash } from '../src/audit/hash-chain.ts'
import { canonicalize } from '../src/audit/canonical-json.ts'
import { formatCheckpoint, signCheckpoint, verifyCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from '../src/audit/transparency/merkle-proof.ts'
import { MerkleFrontier, merkleRoot } from '../src/audit/transparency/merkle-tree.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'
import { formatTlogProof, verifyTlogProof } from '../src/audit/transparency/tlog-proof.ts'
import { caught, fromBase64, VECTOR_LEAVES, VECTORS } from './fixtures/audit-vectors.ts'

const signer = createNoteSigner(VECTORS.origin, Buffer.from(VECTORS.test_ed25519_seed, 'hex'))

describe('the vectors of audit algorithm version 1', () => {
  it('holds five entries and six checkpoints, so that an empty file cannot pass', () => {
    expect(VECTORS.entries).toHaveLength(5)
    expect(VECTORS.checkpoints).toHaveLength(6)
  })

  it.each(VECTORS.entries)('makes the payload and the leaf of entry $seq', (entry) => {
    // Members in another order, and parsed, so that the text is made anew.
    const { v, ...members } = JSON.parse(entry.payload) as AuditPayload & { readonly v: number }
    const payload = toPayloadText(Object.fromEntries(Object.entries(members).reverse()) as unknown as AuditPayload)
    expect(v).toBe(1)
    expect(payload).toBe(entry.payload)
    expect(Buffer.byteLength(payload)).toBe(entry.payload_bytes)
    expect(leafHash(payload).toString('hex')).toBe(entry.leaf_hash)
  })

  it('chains the entries from the origin on', () => {
    let chain = genesisHash(VECTORS.origin)
    expect(chain.toString('hex')).toBe(VECTORS.genesis)
    for (const entry of VECTORS.entries) {
      chain = linkHash(entry.seq, chain, leafHash(entry.payload))
      expect(chain.toString('hex')).toBe(entry.hash_chain)
    }
  })

  it.each(VECTORS.checkpoints)('has the Merkle root of size $size', ({ size, root_hex: rootHex }) => {
    expect(Buffer.from(merkleRoot(VECTOR_LEAVES.slice(0, size))).toString('hex')).toBe(rootHex)
    const frontier = new MerkleFrontier()
    for (const leaf of VECTOR_LEAVES.slice(0, size)) frontier.append(leaf)
    expect(Buffer.from(frontier.root()).toString('hex')).toBe(rootHex)
  })

  it('derives the verifier key from the seed', () => {
    expect(signer.vkey).toBe(VECTORS.vkey)
  })

  it.each([
    [3, VECTORS.signed_checkpoint_3],
    [5, VECTORS.signed_checkpoint_5],
  ])('signs the checkpoint of size %i to the byte, and verifies it', (size, note) => {
    const checkpoint = { origin: VECTORS.origin, size, root: merkleRoot(VECTOR_LEAVES.slice(0, size)) }
    expect(signCheckpoint(checkpoint, [signer])).toBe(note)
    expect(note.startsWith(formatCheckpoint(checkpoint))).toBe(true)
    expect(verifyCheckpoint(note, VECTORS.vkey)).toEqual({ outcome: 'verified', checkpoint })
  })

  it('proves that entry 4 is in the tree of size 5', () => {
    const proof = inclusionProof(VECTOR_LEAVES, 3)
    expect(proof).toEqual(VECTORS.inclusion_index3_size5.map(fromBase64))
    const leaf = VECTOR_LEAVES[3] ?? Buffer.alloc(0)
    expect(verifyInclusion({ leaf, index: 3, size: 5, proof, root: merkleRoot(VECTOR_LEAVES) })).toBe(true)
    const text = formatTlogProof({ index: 3, path: proof, checkpointNote: VECTORS.signed_checkpoint_5 })
    expect(verifyTlogProof(text, leaf, VECTORS.vkey)).toMatchObject({ outcome: 'verified', index: 3 })
  })

  it('proves that the tree of size 5 continues the one of size 3', () => {
    const proof = consistencyProof(VECTOR_LEAVES, 3)
    expect(proof).toEqual(VECTORS.consistency_3_5.map(fromBase64))
    const roots = { oldRoot: merkleRoot(VECTOR_LEAVES.slice(0, 3)), newRoot: merkleRoot(VECTOR_LEAVES) }
    expect(verifyConsistency({ oldSize: 3, newSize: 5, proof, ...roots })).toBe(true)
  })

  it('commits to a value with a salt', () => {
    const { salt, field, value, hex } = VECTORS.commitment
    const opening = { field, salt: Buffer.from(salt, 'hex'), valueJson: canonicalize(value) }
    expect(commitmentOf(opening)).toBe(hex)
    expect(opensCommitment(opening, hex)).toBe(true)
  })

  it('refuses each of the values that have no canonical form', () => {
    const values: Readonly<Record<string, unknown>> = {
      undefined: undefined,
      NaN: Number.NaN,
      Infinity: Number.POSITIVE_INFINITY,
      'lone surrogate "\\ud800"': '\ud800',
      bigint: 1n,
      Date: new Date(0),
      Map: new Map(),
    }
    expect(Object.keys(values)).toEqual(VECTORS.jcs_rejects)
    for (const name of VECTORS.jcs_rejects) {
      expect(
        caught(() => canonicalize(values[name])),
        name,
      ).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    }
  })
})
