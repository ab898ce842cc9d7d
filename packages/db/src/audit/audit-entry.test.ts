import { describe, expect, it } from 'vitest'
import type { JsonObject } from '@cidadao/contracts'
import { toActor, toAgentText, type AuditActor } from './audit-actor.ts'
import { prepareEntry, type AuditEntry } from './audit-entry.ts'
import { toAuditInstant } from './audit-payload.ts'
import { commitmentOf, createOpening, opensCommitment } from './commitment.ts'
import { genesisHash, leafHash, linkHash, sha256 } from './hash-chain.ts'

const STAMP = { log: 'audit.example/test', id: '3f2b8c9e-0000-4000-8000-000000000001', ts: '2024-01-31T12:00:00.000000Z' }
const ENTRY: AuditEntry = { actor: { kind: 'agent', name: 'zumbi' }, action: 'investigation.created' }

function caught(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}

describe('prepareEntry', () => {
  it('writes actor, outcome and request where readers find them', () => {
    const entry = { ...ENTRY, investigation: 'inv_001', outcome: 'denied', requestId: 'req-7', data: { why: 'quota' } } as const
    expect(JSON.parse(prepareEntry(entry, STAMP).payload)).toEqual({
      v: 1,
      ...STAMP,
      agent: 'zumbi',
      action: 'investigation.created',
      investigation: 'inv_001',
      data: { why: 'quota', outcome: 'denied', request: 'req-7' },
    })
  })

  it('adds nothing to data where there is nothing to add', () => {
    expect(prepareEntry(ENTRY, STAMP)).toMatchObject({ payload: expect.stringContaining('"data":{},') as string, openings: [] })
  })

  it('keeps personal data out of the payload and a commitment in', () => {
    const { payload, openings } = prepareEntry({ ...ENTRY, personal: { cpf: '111.444.777-35' } }, STAMP)
    const { data } = JSON.parse(payload) as { readonly data: { readonly committed: { readonly cpf: string } } }
    expect(payload).not.toContain('111')
    expect(openings).toHaveLength(1)
    expect(openings.map((opening) => opensCommitment(opening, data.committed.cpf))).toEqual([true])
  })

  it.each<readonly [field: string, change: Record<string, unknown>]>([
    ['data', { data: [] }],
    ['data', { data: new Map([['a', 1]]), outcome: 'success' }],
    [
      'data',
      {
        data: new (class Contract {
          id = 1
        })(),
        outcome: 'success',
      },
    ],
    ['data', { data: null }],
    ['data.outcome', { data: { outcome: 'success' } }],
    ['data.request', { data: { request: 'r' } }],
    ['data.committed', { data: { committed: {} } }],
    ['outcome', { outcome: 'fine' }],
    ['requestId', { requestId: '' }],
    ['requestId', { requestId: 'r'.repeat(201) }],
    ['action', { action: '' }],
    ['action', { action: 'Created' }],
    ['action', { action: 'created' }],
    ['action', { action: `a.${'b'.repeat(99)}` }],
    ['investigation', { investigation: '' }],
    ['investigation', { investigation: 'i'.repeat(51) }],
    ['actor', { actor: { kind: 'agent', name: 'a'.repeat(101) } }],
  ])('refuses a wrong %s: %j', (field, change) => {
    expect(caught(() => prepareEntry({ ...ENTRY, ...change }, STAMP))).toMatchObject({ code: 'DB_AUDIT_ENTRY_INVALID', facts: { field } })
  })

  it.each<readonly [name: string, data: unknown]>([
    ['undefined', { a: undefined }],
    ['a date', { a: new Date(0) }],
    ['U+0000, which PostgreSQL cannot read back', { a: 'x\0y' }],
    ['more than 64 KiB', { a: 'x'.repeat(65_536) }],
    ['too deep nesting', { a: JSON.parse('['.repeat(63) + ']'.repeat(63)) as unknown }],
  ])('refuses data with %s', (_name, data) => {
    expect(caught(() => prepareEntry({ ...ENTRY, data: data as JsonObject }, STAMP))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
  })

  it('masks the CPFs that people write into a question, wherever it stands (pitfall 24)', () => {
    const data = { query: 'Contratos de João, CPF 111.444.777-35?', nested: [{ note: '11144477735' }] }
    const { payload } = prepareEntry({ ...ENTRY, data, requestId: 'cpf:111.444.777-35' }, STAMP)
    expect(payload).not.toMatch(/111\D?444\D?777/u)
    expect((JSON.parse(payload) as { readonly data: unknown }).data).toEqual({
      query: 'Contratos de João, CPF ***.444.777-**?',
      nested: [{ note: '***.444.777-**' }],
      request: 'cpf:***.444.777-**',
    })
  })

  it('leaves amounts, hashes and ids alone that have the shape of a CPF', () => {
    const data = {
      value: '123456789.01',
      count: 12_345_678_901,
      total: '12345678901',
      hash: `ab12345678901${'cd'.repeat(26)}`,
      id: '3f2b8c9e-0000-4000-8000-a12345678901',
      cnpj: '12.345.678/0001-90',
    }
    expect((JSON.parse(prepareEntry({ ...ENTRY, data }, STAMP).payload) as { readonly data: unknown }).data).toEqual(data)
  })

  it('refuses an id that is no UUID and an instant that is not in the format', () => {
    expect(caught(() => prepareEntry(ENTRY, { ...STAMP, id: STAMP.id.toUpperCase() }))).toMatchObject({ facts: { field: 'id' } })
    for (const ts of ['2024-01-31T12:00:00.000Z', '2024-01-31T12:00:00.000000+00:00', '2024-01-31 12:00:00.000000Z']) {
      expect(caught(() => prepareEntry(ENTRY, { ...STAMP, ts }))).toMatchObject({ facts: { field: 'ts' } })
    }
  })
})

describe('actors', () => {
  it.each<readonly [text: string, actor: AuditActor]>([
    ['zumbi', { kind: 'agent', name: 'zumbi' }],
    ['human:u_7f3a', { kind: 'human', id: 'u_7f3a' }],
    ['human:a:b', { kind: 'human', id: 'a:b' }],
    ['system', { kind: 'system' }],
    ['system:reconciler', { kind: 'system', component: 'reconciler' }],
  ])('are stored as %s and read back', (text, actor) => {
    expect(toAgentText(actor)).toBe(text)
    expect(toActor(text)).toEqual(actor)
  })

  it.each<AuditActor>([
    { kind: 'agent', name: '' },
    { kind: 'agent', name: 'system' },
    { kind: 'agent', name: 'human:me' },
    { kind: 'agent', name: ' zumbi' },
    { kind: 'human', id: '' },
    { kind: 'system', component: '' },
  ])('are refused where they could not be read back: %j', (actor) => {
    expect(caught(() => toAgentText(actor))).toMatchObject({ code: 'DB_AUDIT_ENTRY_INVALID', facts: { field: 'actor' } })
  })
})

describe('toAuditInstant', () => {
  it('always writes six decimals and Z, whatever the milliseconds (pitfalls 5 and 6)', () => {
    expect(toAuditInstant(new Date('2024-01-31T12:00:00Z'))).toBe('2024-01-31T12:00:00.000000Z')
    expect(toAuditInstant(new Date('2024-01-31T09:00:01.250-03:00'))).toBe('2024-01-31T12:00:01.250000Z')
  })

  it('refuses what has no year of four digits', () => {
    for (const date of [new Date(Number.NaN), new Date(Date.UTC(10_000, 0)), new Date(-1e15)]) {
      expect(caught(() => toAuditInstant(date))).toMatchObject({ code: 'DB_AUDIT_ENTRY_INVALID', facts: { field: 'ts' } })
    }
  })
})

describe('commitments', () => {
  it('to the same value look unrelated, since each has a salt of its own (pitfall 23)', () => {
    const openings = Array.from({ length: 20 }, () => createOpening('cpf', '111.444.777-35'))
    expect(new Set(openings.map(commitmentOf)).size).toBe(20)
    expect(openings.every((opening) => opening.salt.length === 32)).toBe(true)
  })

  it('open with exactly their field, value and salt', () => {
    const opening = createOpening('cpf', '111.444.777-35')
    const hex = commitmentOf(opening)
    expect(opensCommitment(opening, hex)).toBe(true)
    expect(opensCommitment({ ...opening, field: 'cnpj' }, hex)).toBe(false)
    expect(opensCommitment({ ...opening, valueJson: '"111.444.777-36"' }, hex)).toBe(false)
    expect(opensCommitment({ ...opening, salt: Buffer.alloc(32) }, hex)).toBe(false)
    expect(opensCommitment(opening, hex.slice(2))).toBe(false)
  })

  it('keep field and value apart: moving a character between them changes the commitment (pitfall 10)', () => {
    const salt = Buffer.alloc(32, 7)
    expect(commitmentOf({ field: 'ab', salt, valueJson: '"c"' })).not.toBe(commitmentOf({ field: 'a', salt, valueJson: '"bc"' }))
  })
})

describe('the chain', () => {
  it('begins differently for every deployment (pitfall 13)', () => {
    expect(genesisHash('audit.example/prod')).not.toEqual(genesisHash('audit.example/test'))
  })

  it('tags every use of the hash, so that none passes for another (pitfall 10)', () => {
    const [previous, leaf] = [leafHash('a'), leafHash('b')]
    const number = Buffer.from('0000000000000001', 'hex')
    expect(linkHash(1, previous, leaf)).not.toEqual(sha256(number, previous, leaf))
    expect(linkHash(1, previous, leaf)).not.toEqual(linkHash(2, previous, leaf))
    expect(linkHash(1, previous, leaf)).not.toEqual(linkHash(1, leaf, previous))
    expect(genesisHash('')).not.toEqual(sha256())
  })

  it('takes numbers beyond 32 bits', () => {
    const [previous, leaf] = [leafHash('a'), leafHash('b')]
    expect(linkHash(2 ** 40 + 1, previous, leaf)).not.toEqual(linkHash(1, previous, leaf))
  })
})
