/** Freezes plain objects and arrays to their depth, and returns the same object. Secrets freeze themselves. */
export function deepFreeze<Value extends object>(value: Value): Value {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  }
  return Object.freeze(value)
}
