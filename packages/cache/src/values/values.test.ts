import { describe, expect, it } from 'vitest'
import { cloneValue } from './clone.ts'
import { codecById, codecFor } from './codec.ts'
import { decodeEnvelope, encodeEnvelope, schemaHashOf } from './envelope.ts'
import { inspectValue } from './inspect.ts'

const header = {
  id: 'env/v1/ns/key',
  schemaHash: schemaHashOf('ns', '1'),
  createdAtMs: 1_700_000_000_000,
  ttlMs: 60_000,
  graceMs: 5_000,
  sequence: 1_700_000_000_000_001,
  tags: ['supplier:1', 'região sul'],
  absent: false,
}

function roundTrip(value: unknown): unknown {
  const bytes = encodeEnvelope(header, value, codecFor(inspectValue(value, { freeze: false })))
  const decoded = decodeEnvelope(bytes, header)
  if (!decoded.ok) throw new Error(decoded.fault)
  return decoded.envelope.value
}

const bare = Object.assign(Object.create(null) as object, { a: 1 })
const hostile = JSON.parse('{"__proto__":{"polluted":true},"$":"date","v":1,"n":[{"$":"map"}],"u":null}') as Record<string, unknown>

describe('the envelope', () => {
  it.each([
    ['the string "123"', '123'],
    ['the string "true"', 'true'],
    ['the string "null"', 'null'],
    ['an empty string', ''],
    ['zero', 0],
    ['minus zero', -0],
    ['NaN', Number.NaN],
    ['Infinity', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['false', false],
    ['null', null],
    ['an empty array', []],
    ['an empty object', {}],
    ['a date', new Date('2024-02-29T12:00:00.123Z')],
    ['an invalid date', { at: new Date(Number.NaN) }],
    ['a bigint', { total: 922_227_368_882n ** 3n }],
    [
      'a map with keys that are no strings',
      new Map<unknown, unknown>([
        [1, 'a'],
        ['1', 'b'],
        [new Date(0), new Map([[true, 1n]])],
      ]),
    ],
    ['a set', new Set<unknown>([1, '1', undefined])],
    ['a buffer', { bytes: Buffer.from([0, 255, 128]) }],
    ['a byte array', new Uint8Array([1, 2, 3])],
    ['undefined inside objects and arrays', { a: undefined, b: [undefined, null] }],
    ['an object without prototype', { bare }],
    ['an object that looks like a tag and has a __proto__ member', { hostile, when: 1n }],
    ['Portuguese text', { órgão: 'Ministério da Saúde', emoji: '🏛️', acento: 'a\u0301' }],
    ['a lone surrogate in a text', 'a\ud800b'],
  ])('gives back %s exactly', (_name, value) => {
    const back = roundTrip(value)
    expect(back).toStrictEqual(value)
    expect(Object.is(back, -0)).toBe(Object.is(value, -0))
  })

  it('tells a Buffer from a plain byte array', () => {
    const back = roundTrip({ buffer: Buffer.from('a'), bytes: new Uint8Array([97]) }) as { buffer: unknown; bytes: unknown }
    expect([Buffer.isBuffer(back.buffer), Buffer.isBuffer(back.bytes)]).toEqual([true, false])
  })

  it('does not pollute prototypes', () => {
    roundTrip({ hostile, big: 1n })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a class instance', new URL('https://example.org')],
    ['an error', new Error('x')],
    ['an array with holes', [1, , 3]],
    ['an object with symbol keys', { [Symbol('x')]: 1 }],
    ['a float array', new Float64Array(1)],
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

  it('remembers an absence', () => {
    const bytes = encodeEnvelope({ ...header, absent: true }, undefined, codecFor({ plain: false }))
    expect(decodeEnvelope(bytes, header)).toMatchObject({ ok: true, envelope: { absent: true, value: undefined } })
  })
})

describe('decoding foreign bytes', () => {
  const good = encodeEnvelope(header, { amount: '12.50' }, codecFor({ plain: true }))
  const changed = (at: number): Buffer => {
    const bytes = Buffer.from(good)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    return bytes
  }

  it.each([
    ['truncated', Buffer.from('{"old":"json"}')],
    ['magic', Buffer.from('x'.repeat(100))],
    ['version', changed(3)],
    ['checksum', changed(good.length - 1)],
    ['checksum', changed(30)],
    ['checksum', good.subarray(0, good.length - 1)],
  ])('is a fault named %s, never a throw', (fault, bytes) => {
    expect(decodeEnvelope(bytes, header)).toEqual({ ok: false, fault })
  })

  it('flips of any single bit are noticed', () => {
    const unnoticed = Array.from(good.keys()).filter((at) => decodeEnvelope(changed(at), header).ok)
    expect(unnoticed).toEqual([])
  })

  it('is a fault when the entry belongs to another key or another schema', () => {
    expect(decodeEnvelope(good, { ...header, id: 'env/v1/ns/other' })).toEqual({ ok: false, fault: 'key' })
    expect(decodeEnvelope(good, { ...header, schemaHash: schemaHashOf('ns', '2') })).toEqual({ ok: false, fault: 'schema' })
  })

  it('is a fault when the payload does not parse or its codec is unknown', () => {
    const broken = encodeEnvelope(header, 'x', { id: 1, encode: () => Buffer.from('{'), decode: () => undefined })
    expect(decodeEnvelope(broken, header)).toEqual({ ok: false, fault: 'payload' })
    const unknown = encodeEnvelope(header, 'x', { id: 99, encode: () => Buffer.from('1'), decode: () => undefined })
    expect(decodeEnvelope(unknown, header)).toEqual({ ok: false, fault: 'codec' })
    expect(codecById(99)).toBeUndefined()
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
      hostile,
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
