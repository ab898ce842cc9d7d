import { isValidCpf, maskCpfs, type JsonObject, type JsonValue } from '@cidadao/contracts'

const NUMBER = /^-?\d+(?:\.\d+)?$/u
/** No word is that long, but hashes, keys and UUIDs are, and eleven of their characters may happen to be digits. */
const MIN_IDENTIFIER_LENGTH = 30

/**
 * Masks the CPFs that people write into texts, in every text of `data`: what the log holds cannot be taken out again.
 * Amounts, hashes and ids stay as they are, though they may have the shape of a CPF.
 */
export function maskPersonalText(data: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, masked(value)]))
}

/** Whether `maskPersonalText` could find anything in what this text was made of. */
export function mayHoldCpf(canonical: string): boolean {
  return maskCpfs(canonical) !== canonical
}

function masked(value: JsonValue): JsonValue {
  if (typeof value === 'string') return maskedText(value)
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'object' && value !== null) return maskPersonalText(value as JsonObject)
  return value
}

function maskedText(text: string): string {
  if (NUMBER.test(text)) return isValidCpf(text) ? maskCpfs(text) : text
  const isIdentifier = text.length >= MIN_IDENTIFIER_LENGTH && !/\s/u.test(text)
  return isIdentifier ? text : maskCpfs(text)
}
