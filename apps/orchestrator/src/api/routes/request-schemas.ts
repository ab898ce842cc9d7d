import { INVESTIGATION_STATUSES } from '@cidadao/db'
import { LANGUAGES, SEVERITIES } from '@cidadao/procurement'
import { z } from 'zod'
import { MAX_QUERY_LENGTH } from '../../plan/question.ts'
import { RequestInvalidError } from '../problem-details.ts'

const LONGEST_SOURCE = 500
const LONGEST_CURSOR = 500
/** Identifiers are made by us; anything else cannot be one, and need not reach the database. */
const ID = /^[\w.:-]{1,50}$/
const STEP_ID = /^[\w.:#-]{1,100}$/

/** Text that files, logs and databases can carry. */
const cleanText = z
  .string()
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text.replaceAll(/[\t\r\n]/g, ' ')), 'must not contain control characters')

function numberText({ min, max, otherwise }: { readonly min: number; readonly max: number; readonly otherwise: number }) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(otherwise)
}

export const submitBody = z.strictObject({
  query: cleanText.min(1).max(MAX_QUERY_LENGTH),
  source: cleanText.min(1).max(LONGEST_SOURCE),
})

/** Any text that a client makes up, as the draft of the HTTP working group has it. */
export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces')

export const listQuery = z.strictObject({
  status: z.enum(INVESTIGATION_STATUSES).optional(),
  limit: numberText({ min: 1, max: 200, otherwise: 50 }),
  after: cleanText.min(1).max(LONGEST_CURSOR).optional(),
})

export const idParams = z.strictObject({ id: z.string().regex(ID, 'must be 1 to 50 letters, digits or any of _ . : -') })
export const stepParams = idParams.extend({ step: z.string().regex(STEP_ID, 'must be 1 to 100 letters, digits or any of _ . : # -') })

export const eventsQuery = z.strictObject({
  after: numberText({ min: 0, max: Number.MAX_SAFE_INTEGER, otherwise: 0 }),
  limit: numberText({ min: 1, max: 1_000, otherwise: 200 }),
})

export const FINDING_FORMATS = ['json', 'csv'] as const
export const findingsQuery = z.strictObject({
  format: z.enum(FINDING_FORMATS).default('json'),
  lang: z.enum(LANGUAGES).default('pt'),
  rule: z
    .string()
    .regex(/^[a-z-]{1,50}$/, 'must be the name of a rule')
    .optional(),
  severity: z.enum(SEVERITIES).optional(),
  after: numberText({ min: 0, max: 1_000_000_000, otherwise: 0 }),
  limit: numberText({ min: 1, max: 1_000, otherwise: 100 }),
})

export const REPORT_NAMES = { md: 'markdown', html: 'html', csv: 'csv', json: 'json' } as const
export const reportQuery = z.strictObject({
  format: z.enum(Object.keys(REPORT_NAMES) as (keyof typeof REPORT_NAMES)[]).default('html'),
  lang: z.enum(LANGUAGES).default('pt'),
})

export const auditQuery = z.strictObject({
  after: numberText({ min: 0, max: Number.MAX_SAFE_INTEGER, otherwise: 0 }),
  limit: numberText({ min: 1, max: 100, otherwise: 50 }),
})

/** `value` as the schema wants it. @throws RequestInvalidError that names every field and rule broken. */
export function parseRequest<Output>(schema: z.ZodType<Output>, value: unknown, what: 'body' | 'query' | 'path' | 'header'): Output {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new RequestInvalidError(
    parsed.error.issues.map(({ path, message }) => ({ field: [what, ...path.map(String)].join('.'), rule: message })),
  )
}
