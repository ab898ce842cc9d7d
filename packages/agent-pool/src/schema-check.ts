import type { SchemaIssue, SchemaResult } from '@cidadao/contracts'
import type { AnySchema } from './agent.ts'
import type { ShapeProblem } from './errors.ts'
import { describeShape } from './value-shape.ts'

export type SchemaCheck = { readonly valid: true; readonly value: unknown } | { readonly valid: false; readonly problem: ShapeProblem }

/** Validates; a schema that answers at once costs no turn of the event loop. */
export function checkAgainst(schema: AnySchema, value: unknown): SchemaCheck | Promise<SchemaCheck> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then((settled) => toCheck(settled, value)) : toCheck(result, value)
}

function toCheck(result: SchemaResult<unknown>, value: unknown): SchemaCheck {
  if (result.issues === undefined) return { valid: true, value: result.value }
  const path = pathOf(result.issues[0])
  return {
    valid: false,
    problem: {
      field: path.map(String).join('.'),
      rule: result.issues[0]?.message ?? 'does not match the schema',
      shape: describeShape(valueAt(value, path)),
      issues: Math.max(1, result.issues.length),
    },
  }
}

function pathOf(issue: SchemaIssue | undefined): readonly PropertyKey[] {
  return (issue?.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Readonly<Record<PropertyKey, unknown>>)[key] : undefined),
    value,
  )
}
