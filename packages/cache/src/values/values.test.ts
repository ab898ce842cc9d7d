import { describe, expect, it } from 'vitest'
import { cloneValue } from './clone.ts'
import { inspectValue, MAX_DEPTH } from './inspect.ts'

const bare = Object.assign(Object.create(null) as object, { a: 1 })
describe('values', () => {
  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a class instance', new URL('https://example.org')],
    ['an error', new Error('x')],
    ['an array with holes', [1, , 3]],
    ['an object with symbol keys', { [Symbol('x')]: 1 }],
    ['a float array', new Float64Array(1)],
    ['an object with a __proto__ key', JSON.parse('{"__proto__":{"polluted":true}}')],
    ['an object whose prototype has no constructor', Object.create({ constructor: 'x' })],
  ])('refuses %s up front', (_name, value) => {
    expect(() => inspectValue({ deep: [value] }, { freeze: false })).toThrow(expect.objectContaining({ code: 'CACHE_VALUE_INVALID' }))
  })

  it('refuses a value that contains itself, but not one that occurs twice', () => {
    const shared = { a: 1 }
    expect(() => inspectValue({ left: shared, right: shared }, { freeze: false })).not.toThrow()
    const loop: { self?: unknown } = {}
    loop.self = { loop }
    expect(() => inspectValue(loop, { freeze: false })).toThrow(expect.objectContaining({ code: 'CACHE_VALUE_INVALID' }))
  })
})

describe('limits', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 'bottom'
    for (let level = 0; level < levels; level++) value = [value]
    return value
  }

  it('refuses what is nested too deep, long before the stack ends', () => {
    expect(() => inspectValue(nested(MAX_DEPTH), { freeze: false })).not.toThrow()
    expect(() => inspectValue(nested(MAX_DEPTH + 1), { freeze: false })).toThrow(/nested deeper than 200 levels/)
    expect(() => inspectValue(nested(100_000), { freeze: false })).toThrow(expect.objectContaining({ code: 'CACHE_VALUE_INVALID' }))
  })

  it.each([
    ['a text', 'x'.repeat(600)],
    ['bytes', new Uint8Array(1_100)],
    ['many small things', Array.from({ length: 200 }, () => 1)],
    ['names', { ['n'.repeat(600)]: 1 }],
  ])('refuses what is too large in %s, naming the limit', (_what, value) => {
    const refusal = { code: 'CACHE_VALUE_TOO_LARGE', facts: { maxValueBytes: 1_000 } }
    expect(() => inspectValue(value, { freeze: false, maxBytes: 1_000 })).toThrow(expect.objectContaining(refusal))
  })
})

describe('freezing and cloning', () => {
  it('freezes plain values through and through', () => {
    const value = { list: [{ deep: true }] }
    expect(inspectValue(value, { freeze: true })).toMatchObject({ frozen: true, plain: true })
    expect([value, value.list, value.list[0]].every(Object.isFrozen)).toBe(true)
  })

  it('says when freezing does not protect', () => {
    expect(inspectValue({ when: new Date(0) }, { freeze: true })).toMatchObject({ frozen: false, plain: false })
  })

  it('clones everything that is mutable, keeping types', () => {
    const value = {
      when: new Date(1),
      map: new Map([[{ k: 1 }, Buffer.from('a')]]),
      set: new Set([[1]]),
      bytes: new Uint8Array(2),
      bare,
    }
    const copy = cloneValue(value)
    expect(copy).toStrictEqual(value)
    copy.when.setTime(5)
    copy.bytes[0] = 9
    ;[...copy.map.values()][0]?.fill(0)
    expect([value.when.getTime(), value.bytes[0], [...value.map.values()][0]?.toString()]).toEqual([1, 0, 'a'])
  })

  it('sizes grow with the value', () => {
    const small = inspectValue({ a: 'x' }, { freeze: false }).bytes
    expect(inspectValue({ a: 'x'.repeat(1_000) }, { freeze: false }).bytes).toBeGreaterThan(small + 1_900)
  })
})
