import { scopeOf } from '../access/principal.ts'
import type { InvestigationApi } from '../api-ports.ts'
import { auditPage, auditVerdict } from './answer-schemas.ts'
import { auditQuery, idParams } from './request-schemas.ts'
import { defineRoute, principalOf, type Route } from './route.ts'

/** What the audit log has of an investigation: proofs to be checked elsewhere, and our own check of them. */
export function auditRoutes(investigations: InvestigationApi): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/investigations/{id}/audit',
      operation: 'getAuditProof',
      summary: 'Audit entries of an investigation, each with its proof against a signed checkpoint',
      access: 'read',
      params: idParams,
      query: auditQuery,
      answers: { 200: { description: 'A page of entries.', content: { 'application/json': auditPage } } },
      handle: (asked) => investigations.auditProofs(asked.params.id, scopeOf(principalOf(asked)), asked.query),
    }),
    defineRoute({
      method: 'GET',
      path: '/investigations/{id}/audit/verification',
      operation: 'verifyAudit',
      summary: 'Whether the audit entries of an investigation are those that were signed for',
      access: 'read',
      params: idParams,
      answers: { 200: { description: 'The verdict.', content: { 'application/json': auditVerdict } } },
      handle: (asked) => investigations.verifyAudit(asked.params.id, scopeOf(principalOf(asked))),
    }),
  ]
}
