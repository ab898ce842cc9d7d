import { describe, expect, it } from 'vitest'
import { InvalidInvestigationError } from '../errors/investigation-errors.ts'
import { toInvestigationStatus } from './investigation-status.ts'
import { validateInvestigation } from './investigation-validation.ts'
import type { InvestigationDraft } from './investigation.ts'
import { uuidV7 } from './uuid-v7.ts'

const NOW = new Date('2024-03-01T12:00:00.000Z')
const LATER = new Date('2024-03-01T12:00:01.000Z')

function fieldOf(draft: unknown): string {
  try {
    validateInvestigation(draft as InvestigationDraft, NOW)
  } catch (error) {
    if (error instanceof InvalidInvestigationError) return String(error.facts.field)
    throw error
  }
  return 'accepted'
}

class Money {
  readonly amount = 1
}

const cycle: Record<string, unknown> = {}
cycle.self = cycle

describe('validateInvestigation', () => {
  it.each([
    ['id', { id: '' }],
    ['id', { id: 'x'.repeat(51) }],
    ['id', { id: ' inv_001' }],
    ['id', { id: 'inv\n001' }],
    ['id', { id: 'inv\u0000' }],
    ['userId', { userId: 'x'.repeat(51) }],
    ['query', { query: '   ' }],
    ['query', { query: 'half a pair \ud83c' }],
    ['query', { query: 'nul \u0000' }],
    ['query', { query: 42 }],
    ['status', { status: 'banana' }],
    ['confidenceScore', { confidenceScore: Number.NaN }],
    ['confidenceScore', { confidenceScore: Infinity }],
    ['confidenceScore', { confidenceScore: 1.0001 }],
    ['confidenceScore', { confidenceScore: -0.1 }],
    ['anomaliesFound', { anomaliesFound: -1 }],
    ['anomaliesFound', { anomaliesFound: 1.5 }],
    ['processingTimeMs', { processingTimeMs: Number.NaN }],
    ['version', { version: -1 }],
    ['attempt', { attempt: 0 }],
    ['createdAt', { createdAt: new Date(Number.NaN) }],
    ['createdAt', { createdAt: '2024-03-01' }],
    ['completedAt', { status: 'completed' }],
    ['completedAt', { status: 'pending', completedAt: LATER }],
    ['completedAt', { status: 'cancelled', createdAt: LATER, completedAt: NOW }],
    ['errorMessage', { status: 'error' }],
    ['errorMessage', { status: 'error', errorMessage: ' ' }],
    ['results', { results: 'text' }],
    ['results', { results: new Money() }],
    ['results.a[1]', { results: { a: [1, undefined] } }],
    ['results.a', { results: { a: Number.NaN } }],
    ['results.when', { results: { when: NOW } }],
    ['results.n', { results: { n: 10n } }],
    ['results.text', { results: { text: 'nul \u0000' } }],
    ["results: a member's name", { results: { 'nul \u0000': 1 } }],
    ['results[1]', { results: [1, , 3] }],
    ['metadata', { metadata: [] }],
    ['metadata', { metadata: new Map() }],
  ])('names %s for %o', (field, change) => {
    expect(fieldOf({ query: 'q', ...change })).toBe(field)
  })

  it('refuses a cycle instead of following it for ever', () => {
    expect(fieldOf({ query: 'q', metadata: cycle })).toMatch(/^metadata(\.self)+$/)
  })

  it('counts characters as the database does', () => {
    expect(fieldOf({ query: 'q', id: '🏛'.repeat(50) })).toBe('accepted')
    expect(fieldOf({ query: 'q', id: 'ã'.repeat(51) })).toBe('id')
  })

  it('never has a value in its message', () => {
    expect(() => validateInvestigation({ query: 'q', userId: '123.456.789-00'.repeat(9) }, NOW)).toThrow(
      /^userId must have at most 50 characters$/,
    )
  })
})

describe('uuidV7', () => {
  it('carries its time in front, and never comes twice', () => {
    const made = Array.from({ length: 1_000 }, () => uuidV7(NOW))
    expect(new Set(made).size).toBe(1_000)
    for (const id of made) expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(NOW.getTime())
    expect(uuidV7(LATER) > uuidV7(NOW)).toBe(true)
  })
})

describe('toInvestigationStatus', () => {
  it.each([
    ['failed', 'error'],
    ['running', 'processing'],
    ['in_progress', 'processing'],
    ['retrying', 'processing'],
    ['timed_out', 'error'],
    ['canceled', 'cancelled'],
    ['completed', 'completed'],
    ['banana', undefined],
    ['toString', undefined],
  ])('reads %s as %s', (word, status) => {
    expect(toInvestigationStatus(word)).toBe(status)
  })
})
