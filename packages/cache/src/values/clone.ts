/** A copy that shares nothing mutable with `value`, for values that `inspectValue` accepted; unlike `structuredClone`, a Buffer stays one. */
export function cloneValue<T>(value: T): T {
  return clone(value) as T
}

function clone(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clone)
  if (value instanceof Date) return new Date(value)
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [clone(key), clone(item)]))
  if (value instanceof Set) return new Set(Array.from(value, clone))
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (value instanceof Uint8Array) return value.slice()
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as object
  for (const [key, item] of Object.entries(value)) defineOwn(copy, key, clone(item))
  return copy
}

/** Plain assignment to `__proto__` would set the prototype instead of a property. */
export function defineOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else (target as Record<string, unknown>)[key] = value
}
