import { createHash } from 'node:crypto'
import { canonicalize } from '@cidadao/db'

const MAX_DEPTH = 100

/**
 * SHA-256, hex, of the canonical JSON of a value: whoever reads the value back from the database, which orders members
 * its own way, gets the same hash. @throws CanonicalJsonError for what is no JSON.
 */
export function contentHash(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value, { maxDepth: MAX_DEPTH, maxBytes: Number.MAX_SAFE_INTEGER }))
    .digest('hex')
}
