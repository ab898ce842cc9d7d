import { hash } from 'node:crypto'
import type { StandardSchema } from '@cidadao/contracts'

export interface SchemaIdentity {
  readonly name: string
  readonly schemaVersion: string
  readonly schema: StandardSchema<unknown, unknown> | undefined
}

/** A schema that can tell its shape, by the JSON part of Standard Schema. */
interface TellingSchema {
  readonly '~standard': { readonly jsonSchema?: { output(options: { readonly target: string }): unknown } }
}

/**
 * Identifies the shape of a policy's values: entries of another shape are migrated or misses. Made of `schemaVersion`
 * and of the schema where it can describe itself, so that a changed schema is noticed without anybody's help.
 */
export function schemaHashOf(policy: SchemaIdentity): bigint {
  const shape = shapeOf(policy.schema)
  const identity = [policy.name, policy.schemaVersion, ...(shape === undefined ? [] : [shape])].join('\n')
  return hash('sha256', identity, 'buffer').readBigUInt64LE(0)
}

function shapeOf(schema: SchemaIdentity['schema']): string | undefined {
  const telling = schema as TellingSchema | undefined
  try {
    const shape = telling?.['~standard'].jsonSchema?.output({ target: 'draft-2020-12' })
    return shape === undefined ? undefined : canonical(shape)
  } catch {
    // A schema with parts that JSON Schema cannot express (a Date, say) says so by throwing: `schemaVersion` is left.
    return undefined
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
