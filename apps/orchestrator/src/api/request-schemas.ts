import { INVESTIGATION_STATUSES } from '@cidadao/db'
import { z } from 'zod'
import { MAX_QUERY_LENGTH } from '../plan/question.ts'
import { RequestInvalidError } from './problem-details.ts'

const LONGEST_ID = 50

export const submitBody = z.strictObject({
  query: z.string().min(1).max(MAX_QUERY_LENGTH),
  source: z.string().min(1).max(500),
})

export const listQuery = z.strictObject({
  status: z.enum(INVESTIGATION_STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().min(1).max(500).optional(),
})

export const idParams = z.strictObject({ id: z.string().min(1).max(LONGEST_ID) })

/** `value` as the schema wants it. @throws RequestInvalidError that names every field and rule broken. */
export function parseRequest<Output>(schema: z.ZodType<Output>, value: unknown, what: 'body' | 'query' | 'path'): Output {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${[what, ...issue.path].join('.')}: ${issue.message}`)
  throw new RequestInvalidError(problems.join('; '), { facts: { problems: problems.length } })
}
