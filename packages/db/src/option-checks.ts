import { InvalidOptionsError } from './errors/database-error.ts'

/** Throws unless `value` is an integer within the limits. */
export function requireInteger(field: string, value: number, limits: { readonly min: number; readonly max?: number }): number {
  const max = limits.max ?? Number.MAX_SAFE_INTEGER
  if (!Number.isInteger(value) || value < limits.min || value > max) {
    const rule =
      limits.max === undefined ? `must be an integer of at least ${limits.min}` : `must be an integer from ${limits.min} to ${max}`
    throw new InvalidOptionsError(field, rule, String(value))
  }
  return value
}

/** Throws unless `value` is one of the set. */
export function requireOneOf<Value extends string>(field: string, value: Value, set: readonly Value[]): Value {
  if (!set.includes(value)) throw new InvalidOptionsError(field, `must be one of ${set.join(', ')}`, JSON.stringify(value))
  return value
}
