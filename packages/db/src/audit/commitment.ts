import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { JsonValue } from '@cidadao/contracts'
import { canonicalize } from './canonical-json.ts'

export const SALT_BYTES = 32

const COMMIT_TAG = Buffer.from('cidadao-audit/v1/commit\0')

/** What opens a commitment: kept in an ordinary table, so that it can be erased while the log keeps the commitment. */
export interface CommitmentOpening {
  readonly field: string
  /** 32 random bytes, fresh for every instance of a field. */
  readonly salt: Uint8Array
  /** The canonical JSON of the value. */
  readonly valueJson: string
}

/** A fresh salt makes two commitments to the same value look unrelated; without it a CPF is found by trying them all. */
export function createOpening(field: string, value: JsonValue): CommitmentOpening {
  return { field, salt: randomBytes(SALT_BYTES), valueJson: canonicalize(value) }
}

/** `HMAC-SHA-256(salt, tag ‖ JCS(field) ‖ JCS(value))` in hex: what the payload holds in place of personal data. */
export function commitmentOf(opening: CommitmentOpening): string {
  const hmac = createHmac('sha256', opening.salt)
  return hmac.update(COMMIT_TAG).update(canonicalize(opening.field)).update(opening.valueJson).digest('hex')
}

/** Whether `opening` is what `commitmentHex` was made from. */
export function opensCommitment(opening: CommitmentOpening, commitmentHex: string): boolean {
  const expected = Buffer.from(commitmentOf(opening), 'hex')
  const given = Buffer.from(commitmentHex, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
