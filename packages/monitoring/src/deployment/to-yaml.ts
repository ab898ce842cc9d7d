import type { JsonValue } from '@cidadao/contracts'

/** JSON as YAML that people can read; a text is always quoted, so that none is taken for a number or a date. */
export function toYaml(value: JsonValue): string {
  return `${lines(value).join('\n')}\n`
}

function lines(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => indented(lines(item as JsonValue), '- '))
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value)]
  return Object.entries(value).flatMap(([key, item]) => {
    const name = /^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key)
    if (typeof item !== 'object' || item === null) return [`${name}: ${JSON.stringify(item)}`]
    if (Object.keys(item).length === 0) return [`${name}: ${Array.isArray(item) ? '[]' : '{}'}`]
    return [`${name}:`, ...lines(item).map((line) => `  ${line}`)]
  })
}

function indented([first = '', ...rest]: readonly string[], prefix: string): string[] {
  return [`${prefix}${first}`, ...rest.map((line) => `  ${line}`)]
}
