import { crc32 } from 'node:zlib'
import { codecById, type Codec } from './codec.ts'
import { compress, decompress, uncompressedLength } from './compression.ts'
import { SIGNATURE_BYTES, type EntrySigner } from './signing.ts'

/** Why bytes found under a key are not the entry that was asked for. Each is a miss, counted, and the bytes go. */
export const ENTRY_FAULTS = ['truncated', 'magic', 'version', 'checksum', 'signature', 'key', 'schema', 'codec', 'size', 'payload'] as const
export type EntryFault = (typeof ENTRY_FAULTS)[number]

export interface EnvelopeHeader {
  /** Checked against the key asked for, so that a mixed-up or colliding entry is never believed. */
  readonly id: string
  /** From `schemaHashOf`. */
  readonly schemaHash: bigint
  /** Wall clock of the writer. For people: no decision compares it with another machine's clock. */
  readonly createdAtMs: number
  /** Fresh that long after it was stored. */
  readonly ttlMs: number
  /** May be served stale that long after. */
  readonly graceMs: number
  /** Of the namespace's logical clock, as known before the production of the value began; 0 when it was not known. */
  readonly sequence: number
  readonly tags: readonly string[]
  /** A remembered absence: there is no payload, and the value is `undefined`. */
  readonly absent: boolean
}

export interface Envelope extends EnvelopeHeader {
  readonly value: unknown
}

export type DecodedEnvelope = { readonly ok: true; readonly envelope: Envelope } | { readonly ok: false; readonly fault: EntryFault }

export interface EnvelopeWriting {
  readonly codec: Codec
  /** Larger payloads are compressed. */
  readonly compressAboveBytes: number
  readonly signer: EntrySigner | undefined
}

export interface EnvelopeExpectation {
  readonly id: string
  /** `undefined`: any, for who can migrate. */
  readonly schemaHash: bigint | undefined
  readonly maxValueBytes: number
  /** With one, what it did not sign is not believed. */
  readonly signer: EntrySigner | undefined
}

/*
 * Layout, little endian:
 *   0 magic "CDC"+version   4 crc32 of all that follows   8 codec   9 flags   10 length of the key
 *   12 schema hash          20 created   28 ttl   36 grace   44 length of extensions
 *   46 key, extensions (sequence, then each tag after its length), payload, signature (where flagged) to the end
 */
const MAGIC_AND_VERSION = Buffer.from('CDC\u0001', 'latin1')
const MAGIC = MAGIC_AND_VERSION.readUIntLE(0, 3)
const VERSION = 1
const HEADER_BYTES = 46
const CHECKED_FROM = 8
const FLAG_ABSENT = 1
const FLAG_COMPRESSED = 2
const FLAG_SIGNED = 4
const KNOWN_FLAGS = FLAG_ABSENT | FLAG_COMPRESSED | FLAG_SIGNED
const NO_BYTES = Buffer.alloc(0)

export function encodeEnvelope(header: EnvelopeHeader, value: unknown, writing: EnvelopeWriting): Buffer {
  const raw = header.absent ? NO_BYTES : writing.codec.encode(value)
  const packed = raw.length > writing.compressAboveBytes ? compress(raw) : undefined
  const signed = writing.signer !== undefined
  const flags = (header.absent ? FLAG_ABSENT : 0) | (packed ? FLAG_COMPRESSED : 0) | (signed ? FLAG_SIGNED : 0)
  const bytes = assemble(header, { codecId: writing.codec.id, flags, payload: packed ?? raw })
  if (writing.signer !== undefined) bytes.set(writing.signer.sign(signedParts(bytes)), bytes.length - SIGNATURE_BYTES)
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKED_FROM)), 4)
  return bytes
}

interface Parts {
  readonly codecId: number
  readonly flags: number
  readonly payload: Uint8Array
}

function assemble(header: EnvelopeHeader, { codecId, flags, payload }: Parts): Buffer {
  const key = Buffer.from(header.id)
  const extensions = encodeExtensions(header)
  const payloadAt = HEADER_BYTES + key.length + extensions.length
  const bytes = Buffer.allocUnsafe(payloadAt + payload.length + ((flags & FLAG_SIGNED) === 0 ? 0 : SIGNATURE_BYTES))
  bytes.set(MAGIC_AND_VERSION, 0)
  bytes.writeUInt8(codecId, 8)
  bytes.writeUInt8(flags, 9)
  bytes.writeUInt16LE(key.length, 10)
  bytes.writeBigUInt64LE(header.schemaHash, 12)
  bytes.writeDoubleLE(header.createdAtMs, 20)
  bytes.writeDoubleLE(header.ttlMs, 28)
  bytes.writeDoubleLE(header.graceMs, 36)
  bytes.writeUInt16LE(extensions.length, 44)
  bytes.set(key, HEADER_BYTES)
  bytes.set(extensions, HEADER_BYTES + key.length)
  bytes.set(payload, payloadAt)
  return bytes
}

/** Never throws: what is wrong with foreign bytes is data. */
export function decodeEnvelope(bytes: Buffer, expected: EnvelopeExpectation): DecodedEnvelope {
  const fault = faultOf(bytes, expected.signer)
  if (fault !== undefined) return { ok: false, fault }
  const flags = bytes.readUInt8(9)
  const keyEnd = HEADER_BYTES + bytes.readUInt16LE(10)
  const payloadAt = keyEnd + bytes.readUInt16LE(44)
  const payloadEnd = bytes.length - ((flags & FLAG_SIGNED) === 0 ? 0 : SIGNATURE_BYTES)
  if (payloadAt > payloadEnd) return { ok: false, fault: 'truncated' }
  if (bytes.toString('utf8', HEADER_BYTES, keyEnd) !== expected.id) return { ok: false, fault: 'key' }
  const schemaHash = bytes.readBigUInt64LE(12)
  if (expected.schemaHash !== undefined && schemaHash !== expected.schemaHash) return { ok: false, fault: 'schema' }
  const header: EnvelopeHeader = {
    id: expected.id,
    schemaHash,
    createdAtMs: bytes.readDoubleLE(20),
    ttlMs: bytes.readDoubleLE(28),
    graceMs: bytes.readDoubleLE(36),
    ...decodeExtensions(bytes, keyEnd, payloadAt),
    absent: (flags & FLAG_ABSENT) !== 0,
  }
  if (header.absent) return { ok: true, envelope: { ...header, value: undefined } }
  return decodePayload(header, expected, { codecId: bytes.readUInt8(8), flags, payload: bytes.subarray(payloadAt, payloadEnd) })
}

function decodePayload(
  header: EnvelopeHeader,
  expected: EnvelopeExpectation,
  { codecId, flags, payload }: Parts & { readonly payload: Buffer },
): DecodedEnvelope {
  const codec = codecById(codecId)
  if (codec === undefined || (flags & ~KNOWN_FLAGS) !== 0) return { ok: false, fault: 'codec' }
  if (codec.trusting && expected.signer === undefined) return { ok: false, fault: 'signature' }
  const compressed = (flags & FLAG_COMPRESSED) !== 0
  if ((compressed ? uncompressedLength(payload) : payload.length) > expected.maxValueBytes) return { ok: false, fault: 'size' }
  try {
    return { ok: true, envelope: { ...header, value: codec.decode(compressed ? decompress(payload) : payload) } }
  } catch {
    return { ok: false, fault: 'payload' }
  }
}

function faultOf(bytes: Buffer, signer: EntrySigner | undefined): EntryFault | undefined {
  if (bytes.length < HEADER_BYTES) return 'truncated'
  if (bytes.readUIntLE(0, 3) !== MAGIC) return 'magic'
  if (bytes.readUInt8(3) !== VERSION) return 'version'
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(CHECKED_FROM))) return 'checksum'
  if (signer === undefined) return undefined
  const signed = (bytes.readUInt8(9) & FLAG_SIGNED) !== 0 && bytes.length >= HEADER_BYTES + SIGNATURE_BYTES
  return signed && signer.verifies(signedParts(bytes), bytes.subarray(bytes.length - SIGNATURE_BYTES)) ? undefined : 'signature'
}

/** All but the checksum, which covers the signature, and the signature itself. */
function signedParts(bytes: Buffer): Buffer[] {
  return [bytes.subarray(0, 4), bytes.subarray(CHECKED_FROM, bytes.length - SIGNATURE_BYTES)]
}

const SEQUENCE_BYTES = 8

function encodeExtensions({ sequence, tags }: Pick<EnvelopeHeader, 'sequence' | 'tags'>): Buffer {
  const first = Buffer.allocUnsafe(SEQUENCE_BYTES)
  first.writeDoubleLE(sequence, 0)
  if (tags.length === 0) return first
  const parts = [first]
  for (const tag of tags) {
    const text = Buffer.from(tag)
    const length = Buffer.allocUnsafe(2)
    length.writeUInt16LE(text.length, 0)
    parts.push(length, text)
  }
  return Buffer.concat(parts)
}

const NO_TAGS: readonly string[] = []

/** Without any, as an entry of an earlier version: older than every mark. */
function decodeExtensions(bytes: Buffer, from: number, end: number): Pick<EnvelopeHeader, 'sequence' | 'tags'> {
  if (end - from < SEQUENCE_BYTES) return { sequence: 0, tags: NO_TAGS }
  const sequence = bytes.readDoubleLE(from)
  if (end - from === SEQUENCE_BYTES) return { sequence, tags: NO_TAGS }
  const tags: string[] = []
  for (let at = from + SEQUENCE_BYTES; at + 2 <= end;) {
    const after = Math.min(end, at + 2 + bytes.readUInt16LE(at))
    tags.push(bytes.toString('utf8', at + 2, after))
    at = after
  }
  return { sequence, tags }
}
