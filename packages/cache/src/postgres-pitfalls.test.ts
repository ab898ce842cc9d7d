import { describe, expect, it } from 'vitest'
import { STATEMENTS } from './postgres/statements.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

describe('statements of the PostgreSQL tier', () => {
  it('52: what has expired is found by its end, not by the order in which rows were first written', () => {
    expect(STATEMENTS.sweepBatch).toMatch(/ORDER BY expires_at LIMIT/)
    for (const statement of Object.values(STATEMENTS)) expect(statement).not.toMatch(/ORDER BY (id|generation|ctid)\b/)
  })

  it('54: none of them notifies, which would have all commits wait for each other', () => {
    for (const statement of Object.values(STATEMENTS)) expect(statement).not.toMatch(/notify/i)
  })
})
