import { INVESTIGATION_STATUSES } from '@cidadao/db'
import { z } from 'zod'

const instant = z.iso.datetime()
const anyJson = z.unknown()

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), rule: z.string() })).optional(),
  requestId: z.string(),
})

const step = z.object({
  id: z.string(),
  agent: z.string(),
  status: z.string(),
  attempt: z.int(),
  error: anyJson,
})

const listed = z.object({
  id: z.string(),
  owner: z.string().nullable(),
  query: z.string(),
  status: z.enum(INVESTIGATION_STATUSES),
  createdAt: instant,
  updatedAt: instant,
  completedAt: instant.nullable(),
  error: z.string().nullable(),
  anomaliesFound: z.int(),
  processingTimeMs: z.int(),
})

export const investigation = listed.extend({ steps: z.array(step).optional(), results: anyJson.optional() })
export const investigationPage = z.object({ items: z.array(listed), next: z.string().nullable() })

export const eventPage = z.object({
  items: z.array(z.object({ seq: z.int(), type: z.string(), at: instant, data: z.record(z.string(), anyJson) })),
  /** Number to go on after. */
  next: z.int(),
  /** Whether the investigation has ended and these are the last. */
  ended: z.boolean(),
})

const localized = z.object({ en: z.string(), pt: z.string() })
export const findingPage = z.object({
  findings: z.array(
    z.looseObject({
      rule: z.string(),
      version: z.string(),
      outcome: z.string(),
      severity: z.string(),
      title: localized,
      explanation: localized,
      records: z.array(z.looseObject({ kind: z.string(), key: z.string(), value: z.string() })),
    }),
  ),
  total: z.int(),
  next: z.int().nullable(),
})

export const auditPage = z.object({
  origin: z.string(),
  /** Public keys of the log, as C2SP verifier keys; none where nothing is signed. */
  vkeys: z.array(z.string()),
  entries: z.array(
    z.object({
      seq: z.int(),
      id: z.string(),
      ts: z.string(),
      action: z.string(),
      /** A C2SP tlog-proof with the entry in it; null while no signed checkpoint covers the entry. */
      proof: z.string().nullable(),
    }),
  ),
  next: z.int().nullable(),
})

export const auditVerdict = z.object({
  outcome: z.enum(['verified', 'unsigned', 'refused']),
  entries: z.int(),
  verified: z.int(),
  /** Entries that no signed checkpoint covers yet. */
  unsigned: z.int(),
  refused: z.array(z.object({ seq: z.int(), reason: z.string() })),
})

export const probe = z.looseObject({ status: z.string() })
