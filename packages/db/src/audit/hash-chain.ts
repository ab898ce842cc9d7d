import { hash } from 'node:crypto'

/** A SHA-256 hash, 32 bytes. */
export type Hash = Uint8Array

export const HASH_BYTES = 32

const LEAF_PREFIX = Uint8Array.of(0x00)
/** Each use of the hash has a tag of its own, so that no input of one can ever be an input of another. */
const GENESIS_TAG = Buffer.from('cidadao-audit/v1/genesis\0')
const LINK_TAG = Buffer.from('cidadao-audit/v1/link\0')

/** SHA-256 over the parts, one after the other. In one call: for inputs of this size, making a hash object costs more than hashing. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat(parts), 'buffer')
}

/** RFC 6962 leaf of an entry: `H(0x00 ‖ payload)`, over the stored text itself and never over what it parses to. */
export function leafHash(payload: string): Buffer {
  return sha256(LEAF_PREFIX, Buffer.from(payload))
}

/** h₀, different for every log: a history cannot be moved from one deployment to another. */
export function genesisHash(origin: string): Buffer {
  return sha256(GENESIS_TAG, Buffer.from(origin))
}

/** hₙ from the hash before and the leaf. `seq` counts from 1 and is part of the hash. */
export function linkHash(seq: number, previous: Hash, leaf: Hash): Buffer {
  return sha256(LINK_TAG, u64(seq), previous, leaf)
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
