/** The stable code of an error, where it has one. */
export function errorCode(error: Error): string | undefined {
  if (!('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined
}

/** What an `InfraError` tells about itself. */
export function errorFacts(error: Error): object | undefined {
  if (!('facts' in error) || typeof error.facts !== 'object' || error.facts === null) return undefined
  return Object.keys(error.facts).length === 0 ? undefined : error.facts
}
