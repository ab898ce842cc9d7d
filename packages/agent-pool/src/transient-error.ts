/** Codes of the system and of HTTP clients for what may well work a moment later. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EBUSY',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const DEEPEST_CAUSE = 4

/**
 * Whether a failure may well not happen again: it says so (`transient: true`, itself or among its facts), or it or one
 * of its causes is a known failure of the network. What says `transient: false` is not, whatever caused it.
 */
export function isTransientError(error: Error, depth = 0): boolean {
  const { transient, facts, code } = error as { readonly transient?: unknown; readonly facts?: unknown; readonly code?: unknown }
  const said = transient ?? (facts as { readonly transient?: unknown } | undefined)?.transient
  if (typeof said === 'boolean') return said
  if (typeof code === 'string' && TRANSIENT_CODES.has(code)) return true
  return error.cause instanceof Error && depth < DEEPEST_CAUSE && isTransientError(error.cause, depth + 1)
}
