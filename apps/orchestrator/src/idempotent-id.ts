import { createHash } from 'node:crypto'

/**
 * The id of what an owner submits with an idempotency key: a UUID (version 8) of both. So the row of the investigation
 * is itself the memory of the key, written in the transaction that stores it, and there is nothing to keep in step.
 */
export function idOfKey(owner: string | null, key: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(['idempotency', owner, key]))
    .digest()
  digest.writeUInt8((digest.readUInt8(VERSION_AT) & 0x0f) | 0x80, VERSION_AT)
  digest.writeUInt8((digest.readUInt8(VARIANT_AT) & 0x3f) | 0x80, VARIANT_AT)
  const hex = digest.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

const VERSION_AT = 6
const VARIANT_AT = 8
