/** Told of everything that happens, in order. */
export type Trace = (what: string, facts?: unknown) => void

/** The same object, each of whose calls is told of. */
export function traced<Subject extends object>(trace: Trace | undefined, name: string, subject: Subject): Subject {
  if (trace === undefined) return subject
  return new Proxy(subject, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function') return member
      return (...parameters: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, parameters)
        trace(`${name}: ${String(property)}`, { parameters, result })
        return result
      }
    },
  })
}

/** One line, for people; payloads are envelopes, of which the end tells. */
export function factsOf(facts: unknown): string {
  return JSON.stringify(facts, (_key, value: unknown) => {
    if (isBufferJson(value)) return tail(Buffer.from(value.data))
    return value instanceof Error ? value.message : value
  })
}

function isBufferJson(value: unknown): value is { readonly data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer'
}

function tail(payload: Buffer): string {
  const at = payload.lastIndexOf('{')
  return at < 0 ? `${payload.length} bytes` : payload.toString('latin1', at)
}
