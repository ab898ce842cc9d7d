import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canonicalize } from './canonical-json.ts'

/** IEEE 754 bits and their text: the samples of RFC 8785, appendix B. */
const NUMBERS: readonly (readonly [bits: string, text: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
]

function fromBits(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE()
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level += 1) value = [value]
  return value
}

function caught(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}

const DATA = join(process.env.TEST_DATA_DIR ?? join(import.meta.dirname, '../../../../../shared/data'), 'jcs')
const dataIsHere = existsSync(join(DATA, 'input'))

describe('canonicalize', () => {
  it.each(NUMBERS)('writes the number with the bits %s as %s', (bits, text) => {
    expect(canonicalize(fromBits(bits))).toBe(text)
  })

  it('sorts members by UTF-16 code units at every level and writes no white space', () => {
    const value = { b: [{ z: 1, a: 2 }], a: { é: 1, e: 2, '10': 3, '9': 4 }, '€': 0, '\ud83d\ude00': 0, '\ufb33': 0 }
    // U+1F600 sorts before U+FB33 by code units (D83D < FB33), after it by code points.
    expect(canonicalize(value)).toBe('{"a":{"10":3,"9":4,"e":2,"é":1},"b":[{"a":2,"z":1}],"€":0,"\ud83d\ude00":0,"\ufb33":0}')
  })

  it('gives the same text whatever the order of building', () => {
    expect(canonicalize({ x: 1, y: { p: true, q: null } })).toBe(canonicalize({ y: { q: null, p: true }, x: 1 }))
  })

  it('keeps nested members, which JSON.stringify with a list of keys drops (pitfall 9)', () => {
    const value = { data: { inner: { kept: 'yes' } }, action: 'a' }
    expect(JSON.stringify(value, Object.keys(value).sort())).not.toContain('kept')
    expect(canonicalize(value)).toBe('{"action":"a","data":{"inner":{"kept":"yes"}}}')
  })

  it('escapes control characters, quotes and backslashes, and nothing else', () => {
    expect(canonicalize('\u0000\b\t\n\u000b\f\r\u001f"\\/\u007f\u2028é')).toBe(
      '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\u007f\u2028é"',
    )
  })

  it('leaves Unicode unnormalised: A with a combining ring stays two characters', () => {
    expect(canonicalize('A\u030a')).toBe('"A\u030a"')
  })

  it('writes a member named __proto__ like any other', () => {
    expect(canonicalize(JSON.parse('{"__proto__":1,"a":2}'))).toBe('{"__proto__":1,"a":2}')
  })

  it.each<readonly [name: string, value: unknown, path: string]>([
    ['undefined', undefined, '$'],
    ['an undefined member', { a: { b: undefined } }, '$.a.b'],
    ['NaN', { a: [0, Number.NaN] }, '$.a[1]'],
    ['Infinity', Number.POSITIVE_INFINITY, '$'],
    ['-Infinity', Number.NEGATIVE_INFINITY, '$'],
    ['a lone high surrogate', 'a\ud800', '$'],
    ['a lone low surrogate', { a: '\udc00a' }, '$.a'],
    ['surrogates in the wrong order', '\udc00\ud800', '$'],
    ['a lone surrogate in a name', { 'a\ud800': 1 }, '$'],
    ['bigint', 1n, '$'],
    ['a symbol', Symbol('s'), '$'],
    ['a function', () => 1, '$'],
    ['a date', { at: new Date(0) }, '$.at'],
    ['a map', new Map(), '$'],
    ['a set', new Set(), '$'],
    ['a buffer', Buffer.from('a'), '$'],
    [
      'a class instance',
      new (class Contract {
        id = 1
      })(),
      '$',
    ],
    ['a boxed string', Object('a'), '$'],
    ['an error', new Error('x'), '$'],
    ['a hole in an array', [1, , 3], '$[1]'],
    ['an array with named members', /a/.exec('a'), '$.index'],
    ['a member named by a symbol', { [Symbol('s')]: 1 }, '$'],
  ])('refuses %s, and says where it is', (_name, value, path) => {
    const error = caught(() => canonicalize(value))
    expect(error).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    if (path !== '$.index') expect(error).toMatchObject({ facts: { path } })
  })

  it('accepts 64 levels and refuses 65', () => {
    expect(canonicalize(nested(64))).toBe(`${'['.repeat(64)}1${']'.repeat(64)}`)
    expect(caught(() => canonicalize(nested(65)))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    expect(canonicalize(nested(3), { maxDepth: 3 })).toBe('[[[1]]]')
    expect(caught(() => canonicalize(nested(3), { maxDepth: 2 }))).toMatchObject({ facts: { path: '$[0][0]' } })
  })

  it('refuses a cycle instead of running for ever', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(caught(() => canonicalize(cycle))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
  })

  it('counts bytes of UTF-8, not characters: 65,536 pass, one more does not', () => {
    expect(Buffer.byteLength(canonicalize('a'.repeat(65_534)))).toBe(65_536)
    expect(caught(() => canonicalize('a'.repeat(65_535)))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    expect(Buffer.byteLength(canonicalize('é'.repeat(32_767)))).toBe(65_536)
    expect(caught(() => canonicalize('é'.repeat(32_768)))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
  })

  it('refuses an enormous sparse array without walking it', () => {
    expect(caught(() => canonicalize(new Array(2 ** 32 - 1)))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
  })

  it('refuses U+0000 only where asked to', () => {
    expect(canonicalize('\0')).toBe(String.raw`"\u0000"`)
    expect(caught(() => canonicalize({ 'a\0': 1 }, { nul: 'refuse' }))).toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    expect(canonicalize(String.raw`\u0000`, { nul: 'refuse' })).toBe(String.raw`"\\u0000"`)
  })

  it('is a fixed point: the canonical text of what it parses to is itself', () => {
    const text = canonicalize({ órgão: ['Ministério da Saúde', -0, 1e21, 1e-7, '276048.96'], n: { '': [] } })
    expect(canonicalize(JSON.parse(text))).toBe(text)
  })

  const suite = dataIsHere ? readdirSync(join(DATA, 'input')) : ['(skipped: no folder jcs in the test data)']
  it.skipIf(!dataIsHere).each(suite)('gives the RFC 8785 reference output for %s', (name) => {
    const input: unknown = JSON.parse(readFileSync(join(DATA, 'input', name), 'utf8'))
    const expected = readFileSync(join(DATA, 'output', name), 'utf8').trimEnd()
    expect(canonicalize(input)).toBe(expected)
  })
})
