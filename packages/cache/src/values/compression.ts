import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** The fastest level: what is saved is a round trip's bytes, and a caller waits for it. */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 } as const
const LENGTH_BYTES = 4
/** Less saved than this is not worth the reader's work. */
const WORTHWHILE = 0.9

/** The bytes with their length before them, compressed; `undefined` where that would gain next to nothing. */
export function compress(bytes: Uint8Array): Buffer | undefined {
  const packed = zstdCompressSync(bytes, { params: PARAMS })
  if (packed.length + LENGTH_BYTES > bytes.length * WORTHWHILE) return undefined
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32LE(bytes.length, 0)
  return Buffer.concat([length, packed])
}

/** What the bytes say that they hold; 0 for bytes that are not of {@link compress}. */
export function uncompressedLength(bytes: Buffer): number {
  return bytes.length < LENGTH_BYTES ? 0 : bytes.readUInt32LE(0)
}

/** Makes at most as many bytes as they say, whatever they really hold. @throws for damaged ones */
export function decompress(bytes: Buffer): Buffer {
  const length = uncompressedLength(bytes)
  const unpacked = zstdDecompressSync(bytes.subarray(LENGTH_BYTES), { maxOutputLength: Math.max(1, length) })
  if (unpacked.length !== length) throw new RangeError('another length than announced')
  return unpacked
}
