import { INVESTIGATION_STATUSES } from '@cidadao/db'
import { z } from 'zod'
import { MAX_QUERY_LENGTH } from '../plan/question.ts'
import { RequestInvalidError } from './problem-details.ts'

const LONGEST_SOURCE = 500
const LONGEST_CURSOR = 500
/** Identifiers are made by us; anything else cannot be one, and need not reach the database. */
const ID = /^[\w.:-]{1,50}$/

/** Text that files, logs and databases can carry. */
const cleanText = z
  .string()
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text.replaceAll(/[\t\r\n]/g, ' ')), 'must not contain control characters')

export const submitBody = z.strictObject({
  query: cleanText.min(1).max(MAX_QUERY_LENGTH),
  source: cleanText.min(1).max(LONGEST_SOURCE),
})

export const listQuery = z.strictObject({
  status: z.enum(INVESTIGATION_STATUSES).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .default(50),
  after: cleanText.min(1).max(LONGEST_CURSOR).optional(),
})

export const idParams = z.strictObject({ id: z.string().regex(ID, 'must be 1 to 50 letters, digits or any of _ . : -') })

/** `value` as the schema wants it. @throws RequestInvalidError that names every field and rule broken. */
export function parseRequest<Output>(schema: z.ZodType<Output>, value: unknown, what: 'body' | 'query' | 'path'): Output {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new RequestInvalidError(
    parsed.error.issues.map(({ path, message }) => ({ field: [what, ...path.map(String)].join('.'), rule: message })),
  )
}
