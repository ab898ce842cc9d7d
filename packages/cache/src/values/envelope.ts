import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { codecById, type Codec } from './codec.ts'

/** Why bytes found under a key are not the entry that was asked for. Each is a miss, counted, and the bytes go. */
export const ENTRY_FAULTS = ['truncated', 'magic', 'version', 'checksum', 'key', 'schema', 'codec', 'payload'] as const
export type EntryFault = (typeof ENTRY_FAULTS)[number]

export interface EnvelopeHeader {
  /** Checked against the key asked for, so that a mixed-up or colliding entry is never believed. */
  readonly id: string
  /** From {@link schemaHashOf}. */
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

/*
 * Layout, little endian:
 *   0 magic "CDC"+version   4 crc32 of all that follows   8 codec   9 flags   10 length of the key
 *   12 schema hash          20 created   28 ttl   36 grace   44 length of extensions
 *   46 key, extensions (sequence, then each tag after its length), payload to the end
 */
const MAGIC = 'CDC'
const VERSION = 1
const HEADER_BYTES = 46
const CHECKED_FROM = 8
const FLAG_ABSENT = 1

/** Identifies the shape of a policy's values; changing `schemaVersion` makes older payloads misses. */
export function schemaHashOf(policyName: string, schemaVersion: string): bigint {
  return hash('sha256', `${policyName}\n${schemaVersion}`, 'buffer').readBigUInt64LE(0)
}

export function encodeEnvelope(header: EnvelopeHeader, value: unknown, codec: Codec): Buffer {
  const payload = header.absent ? Buffer.alloc(0) : codec.encode(value)
  const key = Buffer.from(header.id)
  const extensions = encodeExtensions(header)
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + key.length + extensions.length + payload.length)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt8(VERSION, 3)
  bytes.writeUInt8(codec.id, 8)
  bytes.writeUInt8(header.absent ? FLAG_ABSENT : 0, 9)
  bytes.writeUInt16LE(key.length, 10)
  bytes.writeBigUInt64LE(header.schemaHash, 12)
  bytes.writeDoubleLE(header.createdAtMs, 20)
  bytes.writeDoubleLE(header.ttlMs, 28)
  bytes.writeDoubleLE(header.graceMs, 36)
  bytes.writeUInt16LE(extensions.length, 44)
  key.copy(bytes, HEADER_BYTES)
  extensions.copy(bytes, HEADER_BYTES + key.length)
  payload.copy(bytes, HEADER_BYTES + key.length + extensions.length)
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKED_FROM)), 4)
  return bytes
}

/** Never throws: what is wrong with foreign bytes is data. */
export function decodeEnvelope(bytes: Buffer, expected: { readonly id: string; readonly schemaHash: bigint }): DecodedEnvelope {
  const fault = faultOf(bytes)
  if (fault !== undefined) return { ok: false, fault }
  const payloadAt = HEADER_BYTES + bytes.readUInt16LE(10) + bytes.readUInt16LE(44)
  if (payloadAt > bytes.length) return { ok: false, fault: 'truncated' }
  if (bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + bytes.readUInt16LE(10)) !== expected.id) return { ok: false, fault: 'key' }
  if (bytes.readBigUInt64LE(12) !== expected.schemaHash) return { ok: false, fault: 'schema' }
  const codec = codecById(bytes.readUInt8(8))
  if (codec === undefined) return { ok: false, fault: 'codec' }
  const header: EnvelopeHeader = {
    ...expected,
    createdAtMs: bytes.readDoubleLE(20),
    ttlMs: bytes.readDoubleLE(28),
    graceMs: bytes.readDoubleLE(36),
    ...decodeExtensions(bytes.subarray(HEADER_BYTES + bytes.readUInt16LE(10), payloadAt)),
    absent: (bytes.readUInt8(9) & FLAG_ABSENT) !== 0,
  }
  if (header.absent) return { ok: true, envelope: { ...header, value: undefined } }
  return decodePayload(header, codec, bytes.subarray(payloadAt))
}

const SEQUENCE_BYTES = 8

function encodeExtensions({ sequence, tags }: Pick<EnvelopeHeader, 'sequence' | 'tags'>): Buffer {
  const parts = [Buffer.allocUnsafe(SEQUENCE_BYTES)]
  parts[0]?.writeDoubleLE(sequence, 0)
  for (const tag of tags) {
    const text = Buffer.from(tag)
    const length = Buffer.allocUnsafe(2)
    length.writeUInt16LE(text.length, 0)
    parts.push(length, text)
  }
  return Buffer.concat(parts)
}

/** Without any, as an entry of an earlier version: older than every mark. */
function decodeExtensions(bytes: Buffer): Pick<EnvelopeHeader, 'sequence' | 'tags'> {
  if (bytes.length < SEQUENCE_BYTES) return { sequence: 0, tags: [] }
  const tags: string[] = []
  for (let at = SEQUENCE_BYTES; at + 2 <= bytes.length;) {
    const end = at + 2 + bytes.readUInt16LE(at)
    tags.push(bytes.toString('utf8', at + 2, end))
    at = end
  }
  return { sequence: bytes.readDoubleLE(0), tags }
}

function decodePayload(header: EnvelopeHeader, codec: Codec, payload: Buffer): DecodedEnvelope {
  try {
    return { ok: true, envelope: { ...header, value: codec.decode(payload) } }
  } catch {
    return { ok: false, fault: 'payload' }
  }
}

function faultOf(bytes: Buffer): EntryFault | undefined {
  if (bytes.length < HEADER_BYTES) return 'truncated'
  if (bytes.toString('latin1', 0, 3) !== MAGIC) return 'magic'
  if (bytes.readUInt8(3) !== VERSION) return 'version'
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(CHECKED_FROM))) return 'checksum'
  return undefined
}
