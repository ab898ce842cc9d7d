import type { InvestigationApi } from '../../src/api/api-ports.ts'

/** What the routes ask, answered by `parts` alone: everything else fails. */
export function stubApi(parts: Partial<InvestigationApi>): InvestigationApi {
  const never = (): Promise<never> => Promise.reject(new Error('not asked'))
  const nothing = { submit: never, get: never, list: never, cancel: never, events: never, auditProofs: never, verifyAudit: never }
  return { ...nothing, onChange: () => () => {}, ...parts }
}
