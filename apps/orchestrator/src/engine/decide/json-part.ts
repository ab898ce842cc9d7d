import type { JsonValue } from '@cidadao/contracts'

/** The part of a value that a path leads to; undefined where it leads nowhere. Items of a list go by their number. */
export function partOf(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let part = value
  for (const name of path) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, name)) return undefined
    part = (part as Readonly<Record<string, JsonValue>>)[name]
  }
  return part
}

/** Same JSON, whatever the order of members. */
export function isSameJson(one: JsonValue, other: JsonValue): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const [names, others] = [Object.keys(one), Object.keys(other)]
  return (
    names.length === others.length &&
    names.every((name) => Object.hasOwn(other, name) && isSameJson(memberOf(one, name), memberOf(other, name)))
  )
}

function memberOf(value: object, name: string): JsonValue {
  return (value as Readonly<Record<string, JsonValue>>)[name] as JsonValue
}
