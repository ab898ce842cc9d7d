import { CacheOptionError } from '../errors.ts'
import { codecFor, type CodecName } from './codec.ts'
import { decodeEnvelope, encodeEnvelope, type DecodedEnvelope, type EnvelopeHeader } from './envelope.ts'
import type { Inspection } from './inspect.ts'
import { schemaHashOf, type SchemaIdentity } from './schema-hash.ts'
import type { EntrySigner } from './signing.ts'

/** What of a policy decides how its entries look in the shared tiers. */
export interface EntryFormatPolicy extends SchemaIdentity {
  readonly codec: CodecName
  readonly compressAboveBytes: number
  readonly maxValueBytes: number
  readonly migrate: ((old: unknown) => unknown) | undefined
}

/** A value with what {@link EntryFormat.encode} needs to know of it. */
export type WrittenValue = Pick<Inspection, 'plain' | 'jsonOnly'> & { readonly value: unknown }

/** How the entries of one namespace are written, and which of those found are believed. */
export class EntryFormat {
  readonly #policy: EntryFormatPolicy
  readonly #signer: EntrySigner | undefined
  readonly #schemaHash: bigint

  /** @throws {CacheOptionError} for a codec that needs signing, without it */
  constructor(policy: EntryFormatPolicy, signer: EntrySigner | undefined) {
    if (policy.codec === 'v8' && signer === undefined) {
      throw new CacheOptionError(`policy ${policy.name}: codec v8 must be used with signing keys, got none`, {
        facts: { field: 'codec', namespace: policy.name },
      })
    }
    this.#policy = policy
    this.#signer = signer
    this.#schemaHash = schemaHashOf(policy)
  }

  encode(header: Omit<EnvelopeHeader, 'schemaHash' | 'absent'>, written: WrittenValue): Buffer {
    const { codec, compressAboveBytes } = this.#policy
    return encodeEnvelope({ ...header, schemaHash: this.#schemaHash, absent: written.value === undefined }, written.value, {
      codec: codecFor(codec, written),
      compressAboveBytes,
      signer: this.#signer,
    })
  }

  /** Whether an entry is of the schema of today. */
  isCurrent(envelope: EnvelopeHeader): boolean {
    return envelope.schemaHash === this.#schemaHash
  }

  /** Never throws. An entry of another schema is migrated where the policy can; the result is not yet checked by the schema. */
  decode(bytes: Buffer, id: string): DecodedEnvelope {
    const { migrate, maxValueBytes } = this.#policy
    const schemaHash = migrate === undefined ? this.#schemaHash : undefined
    const decoded = decodeEnvelope(bytes, { id, schemaHash, maxValueBytes, signer: this.#signer })
    if (!decoded.ok || migrate === undefined || this.isCurrent(decoded.envelope)) return decoded
    return this.#migrated(decoded, migrate)
  }

  #migrated({ envelope }: Extract<DecodedEnvelope, { ok: true }>, migrate: (old: unknown) => unknown): DecodedEnvelope {
    // That something was absent then says nothing of what it would be now.
    if (envelope.absent) return { ok: false, fault: 'schema' }
    try {
      const value = migrate(envelope.value)
      return value === undefined ? { ok: false, fault: 'schema' } : { ok: true, envelope: { ...envelope, value } }
    } catch {
      return { ok: false, fault: 'schema' }
    }
  }
}
