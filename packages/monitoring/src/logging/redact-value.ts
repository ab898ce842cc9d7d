import type { JsonObject, JsonValue } from '@cidadao/contracts'
import { errorCode, errorFacts } from './error-fields.ts'
import { maskCpfDigits, REDACTED, redactText } from './redact-text.ts'

/** Bounds of one log line, so that a large object neither fills the log nor holds up the process. */
const LIMITS = { depth: 8, entries: 100, causes: 5, rememberedKeys: 500 }

const SECRET_KEY =
  /passw(or)?d|passphrase|senha|secret|segredo|token|authori[sz]ation|apikey|chaveapi|credential|cookie|privatekey|accesskey|^pwd$|^auth$/

type KeyKind = 'secret' | 'cpf' | 'plain'

/** Turns what callers log into plain JSON without secrets. Never throws. */
export class ValueRedactor {
  readonly #extraKeys: ReadonlySet<string>
  readonly #kinds = new Map<string, KeyKind>()

  constructor(extraKeys: readonly string[] = []) {
    this.#extraKeys = new Set(extraKeys.map(normaliseKey))
  }

  redactFields(fields: Readonly<Record<string, unknown>>): JsonObject {
    const redacted = this.#guarded(fields, [])
    return typeof redacted === 'object' && redacted !== null && !Array.isArray(redacted) ? (redacted as JsonObject) : { fields: redacted }
  }

  redact(value: unknown): JsonValue {
    return this.#guarded(value, [])
  }

  /** Getters, proxies and `toJSON` are code of others and may throw. */
  #guarded(value: unknown, path: readonly object[]): JsonValue {
    try {
      return this.#visit(value, path)
    } catch {
      return '[unreadable]'
    }
  }

  #visit(value: unknown, path: readonly object[]): JsonValue {
    switch (typeof value) {
      case 'string':
        return redactText(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'bigint':
        return redactText(value.toString())
      case 'object':
        return value === null ? null : this.#visitObject(value, path)
      case 'function':
        return '[function]'
      default:
        return value === undefined ? '[undefined]' : '[symbol]'
    }
  }

  #visitObject(value: object, path: readonly object[]): JsonValue {
    if (path.includes(value)) return '[circular]'
    if (path.length >= LIMITS.depth) return '[too deep]'
    const deeper = [...path, value]
    if (value instanceof Error) return this.#visitError(value, deeper)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (value instanceof URL || value instanceof RegExp) return redactText(String(value))
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
    if (Array.isArray(value)) return this.#visitList(value, deeper)
    if (value instanceof Set) return this.#visitList([...(value as Set<unknown>)], deeper)
    if (value instanceof Map) return this.#visitEntries([...(value as Map<unknown, unknown>)], deeper)
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.#guarded((value as { toJSON(): unknown }).toJSON(), deeper)
    return this.#visitEntries(
      Object.keys(value).map((key) => [key, readProperty(value, key)]),
      deeper,
    )
  }

  #visitList(values: readonly unknown[], path: readonly object[]): JsonValue {
    const shown = values.slice(0, LIMITS.entries).map((value) => this.#guarded(value, path))
    return values.length > shown.length ? [...shown, `[${values.length - shown.length} more]`] : shown
  }

  #visitEntries(entries: readonly (readonly [unknown, unknown])[], path: readonly object[]): JsonObject {
    // Without a prototype, so that a key named __proto__ is a key.
    const result = Object.create(null) as Record<string, JsonValue>
    for (const [key, value] of entries.slice(0, LIMITS.entries)) {
      if (value === undefined) continue
      const name = typeof key === 'string' ? key : JSON.stringify(this.#guarded(key, path))
      result[redactText(name)] = this.#visitNamed(name, value, path)
    }
    if (entries.length > LIMITS.entries) result['…'] = `[${entries.length - LIMITS.entries} more]`
    return result
  }

  #visitNamed(name: string, value: unknown, path: readonly object[]): JsonValue {
    const kind = this.#kindOf(name)
    // Whether there is a secret may be known, what it is may not.
    if (kind === 'secret') return typeof value === 'boolean' || value === null ? value : REDACTED
    if (kind === 'cpf' && (typeof value === 'number' || typeof value === 'bigint')) return maskCpfDigits(value.toString())
    return this.#guarded(value, path)
  }

  #kindOf(name: string): KeyKind {
    const known = this.#kinds.get(name)
    if (known !== undefined) return known
    const key = normaliseKey(name)
    const secret = SECRET_KEY.test(key) || this.#extraKeys.has(key)
    const kind = secret ? 'secret' : key.includes('cpf') ? 'cpf' : 'plain'
    // Field names are few; keys of logged objects may be many, and those are looked at anew.
    if (this.#kinds.size < LIMITS.rememberedKeys) this.#kinds.set(name, kind)
    return kind
  }

  /** Only what is known to be meant for a log: drivers hang parameters and rows on their errors. */
  #visitError(error: Error, path: readonly object[]): JsonObject {
    const { code, facts } = { code: errorCode(error), facts: errorFacts(error) }
    const errors = error instanceof AggregateError ? (error.errors as unknown[]) : undefined
    const causes = path.filter((item) => item instanceof Error).length
    return {
      name: redactText(error.name),
      ...(code === undefined ? {} : { code: redactText(code) }),
      message: redactText(error.message),
      ...(facts === undefined ? {} : { facts: this.#guarded(facts, path) }),
      ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
      ...(error.cause === undefined ? {} : { cause: causes > LIMITS.causes ? '[more causes]' : this.#guarded(error.cause, path) }),
      ...(errors === undefined ? {} : { errors: this.#visitList(errors, path) }),
    }
  }
}

function readProperty(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}

function normaliseKey(key: string): string {
  return key.toLowerCase().replace(/[^a-z0-9]/g, '')
}
