/** Kind and size of a value, never its content: `object {id, amount}`, `array of 3`, `string of 12`, `null`. */
export function describeShape(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `array of ${value.length}`
  if (typeof value === 'string') return `string of ${value.length}`
  if (typeof value !== 'object') return typeof value
  const kind = className(value)
  return kind === 'Object' ? `object {${describeKeys(value)}}` : kind
}

const MOST_KEYS = 8

function describeKeys(value: object): string {
  const keys = Object.keys(value)
  const shown = keys.slice(0, MOST_KEYS).map((key) => key.slice(0, 40))
  return keys.length > MOST_KEYS ? `${shown.join(', ')}, … ${keys.length} keys` : shown.join(', ')
}

function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return 'Object'
  const name: unknown = (prototype as { readonly constructor?: { readonly name?: unknown } }).constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'object'
}
