import { describe, expect, it } from 'vitest'
import { MAX_NAMES, toOutboxDrafts, type CacheInvalidation } from './cache-invalidation.ts'

describe('toOutboxDrafts', () => {
  it('makes one row of keys, of tags and of a whole namespace, each name once', () => {
    expect(toOutboxDrafts({ namespace: 'n', keys: ['a', 'b', 'a'] })).toEqual([{ namespace: 'n', target: 'keys', names: ['a', 'b'] }])
    expect(toOutboxDrafts({ namespace: 'n', tags: ['ação'] })).toEqual([{ namespace: 'n', target: 'tags', names: ['ação'] }])
    expect(toOutboxDrafts({ namespace: 'n', clear: 'all' })).toEqual([{ namespace: 'n', target: 'all', names: [] }])
  })

  it('makes no row of nothing', () => {
    expect(toOutboxDrafts({ namespace: 'n', keys: [] })).toEqual([])
  })

  it('cuts long lists into rows that the table takes', () => {
    const keys = Array.from({ length: 2 * MAX_NAMES + 1 }, (_, index) => `k${index}`)
    const rows = toOutboxDrafts({ namespace: 'n', keys })
    expect(rows.map(({ names }) => names.length)).toEqual([MAX_NAMES, MAX_NAMES, 1])
    expect(rows.flatMap(({ names }) => names)).toEqual(keys)
  })

  it.each<[string, CacheInvalidation]>([
    ['a namespace with a separator', { namespace: 'a/b', keys: ['k'] }],
    ['an empty namespace', { namespace: '', clear: 'all' }],
    ['an empty key', { namespace: 'n', keys: [''] }],
    ['a control character', { namespace: 'n', keys: ['a\u0000'] }],
    ['a lone surrogate', { namespace: 'n', tags: ['\ud800'] }],
    ['a key of more than 1,024 bytes', { namespace: 'n', keys: ['ã'.repeat(513)] }],
    ['more names than a call may have', { namespace: 'n', keys: Array.from({ length: 100_001 }, String) }],
    ['no list at all', { namespace: 'n', keys: 'k' as unknown as string[] }],
    ['a number for a key', { namespace: 'n', keys: [1 as unknown as string] }],
  ])('refuses %s', (_name, invalidation) => {
    expect(() => toOutboxDrafts(invalidation)).toThrow(expect.objectContaining({ code: 'DB_INVALID_INVALIDATION' }))
  })
})
