import { describe, expect, it } from 'vitest'
import { MAX_JSON_DEPTH, requireShallowJson } from './json-depth.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('the depth of JSON', () => {
  it.each(['', '{}', nested(MAX_JSON_DEPTH), `[${Array(100).fill('{"a":[]}').join(',')}]`])('may be that of %.30j', (text) => {
    expect(() => requireShallowJson(text)).not.toThrow()
  })

  it.each([nested(MAX_JSON_DEPTH + 1), '{"a":'.repeat(21), '['.repeat(1_000_000)])('may not be that of %.30j', (text) => {
    expect(() => requireShallowJson(text)).toThrow('must not be nested deeper than 20 levels')
  })

  it('does not count brackets in texts, behind escapes either', () => {
    expect(() => requireShallowJson(JSON.stringify({ query: '[{'.repeat(100), other: '\\"[[["'.repeat(50) }))).not.toThrow()
  })
})
