import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CODEC_NAMES, codecById, type CodecName } from './codec.ts'
import { EntryFormat, type EntryFormatPolicy } from './entry-format.ts'
import { encodeEnvelope } from './envelope.ts'
import { inspectValue } from './inspect.ts'
import { schemaHashOf } from './schema-hash.ts'
import { EntrySigner } from './signing.ts'

const header = {
  id: 'env/v1/ns/chave',
  createdAtMs: 1_700_000_000_000,
  ttlMs: 60_000,
  graceMs: 5_000,
  sequence: 1_700_000_000_000_001,
  tags: ['supplier:1', 'região sul'],
}
const KEYS = [randomBytes(32), randomBytes(32)] as const
const signer = new EntrySigner({ keys: [KEYS[0]] })

function formatOf(options: Partial<EntryFormatPolicy> = {}, signing: EntrySigner | 'unsigned' = signer): EntryFormat {
  const policy = { name: 'ns', schemaVersion: '1', schema: undefined, codec: 'json' as CodecName, migrate: undefined }
  return new EntryFormat(
    { ...policy, compressAboveBytes: Number.POSITIVE_INFINITY, maxValueBytes: 1_000_000, ...options },
    signing === 'unsigned' ? undefined : signing,
  )
}

function encoded(format: EntryFormat, value: unknown): Buffer {
  return format.encode(header, { value, ...inspectValue(value, { freeze: false }) })
}

function decoded(format: EntryFormat, bytes: Buffer, id = header.id): unknown {
  const result = format.decode(bytes, id)
  return result.ok ? result.envelope.value : `fault: ${result.fault}`
}

const SAMPLES: readonly (readonly [string, unknown])[] = [
  ['the string "123"', '123'],
  ['the string "null"', 'null'],
  ['an empty string', ''],
  ['zero', 0],
  ['minus zero', -0],
  ['NaN', Number.NaN],
  ['infinities', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ['numbers at the edges', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, 5e-324, 0.1]],
  ['false', false],
  ['null', null],
  ['an empty array', []],
  ['an empty object', {}],
  ['a date', new Date('2024-02-29T12:00:00.123Z')],
  ['an invalid date', { at: new Date(Number.NaN) }],
  ['a bigint', { total: 922_227_368_882n ** 3n }],
  ['a map with keys that are no strings', new Map<unknown, unknown>([[1, 'a'], ['1', 'b'], [new Date(0), new Map([[true, 1n]])]])], // prettier-ignore
  ['a set', new Set<unknown>([1, '1', undefined])],
  ['a buffer', { bytes: Buffer.from([0, 255, 128]) }],
  ['a byte array', new Uint8Array([1, 2, 3])],
  ['undefined inside objects and arrays', { a: undefined, b: [undefined, null] }],
  ['an object without prototype', { bare: Object.assign(Object.create(null) as object, { a: 1 }) }],
  ['an object that looks like a tag', { $: 'date', v: 1, n: [{ $: 'map' }], when: 1n }],
  ['Portuguese text', { órgão: 'Ministério da Saúde', emoji: '🏛️', acento: 'a\u0301' }],
  ['a lone surrogate in a text', 'a\ud800b'],
  ['a lone surrogate in a name', { 'a\udc00': 1 }],
]

describe.each(CODEC_NAMES)('the codec %s', (codec) => {
  it.each(SAMPLES)('gives back %s exactly', (_name, value) => {
    const format = formatOf({ codec })
    const back = decoded(format, encoded(format, value))
    expect(back).toStrictEqual(value)
    expect(Object.is(back, -0)).toBe(Object.is(value, -0))
  })

  it('tells a Buffer from a plain byte array', () => {
    const format = formatOf({ codec })
    const back = decoded(format, encoded(format, { buffer: Buffer.from('a'), bytes: new Uint8Array([97]) }))
    const { buffer, bytes } = back as { buffer: unknown; bytes: unknown }
    expect([Buffer.isBuffer(buffer), Buffer.isBuffer(bytes)]).toEqual([true, false])
  })

  it('leaves prototypes alone', () => {
    const format = formatOf({ codec })
    const hostile = { constructor: { prototype: { polluted: true } }, big: 1n }
    expect(decoded(format, encoded(format, hostile))).toEqual(hostile)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('is read whatever the reader would write itself', () => {
    expect(decoded(formatOf({ codec: 'json' }), encoded(formatOf({ codec }), { a: 1 }))).toEqual({ a: 1 })
  })

  it('compresses what is large and gives it back', () => {
    const value = { text: 'Ministério da Saúde '.repeat(500), when: new Date(0) }
    const [packed, loose] = [formatOf({ codec, compressAboveBytes: 1_000 }), formatOf({ codec })]
    expect(encoded(packed, value).length).toBeLessThan(encoded(loose, value).length / 5)
    expect(decoded(loose, encoded(packed, value))).toStrictEqual(value)
  })

  it('does not store noise larger than it is', () => {
    const value = randomBytes(20_000)
    const sizes = [1_000, Number.POSITIVE_INFINITY].map((bytes) => encoded(formatOf({ codec, compressAboveBytes: bytes }), value).length)
    expect(sizes[0]).toBeLessThanOrEqual(sizes[1] ?? 0)
  })
})

describe('what a tier holds is not believed', () => {
  const plain = formatOf({}, 'unsigned')
  const good = encoded(plain, { amount: '12.50' })
  const packed = encoded(formatOf({ compressAboveBytes: 100 }, 'unsigned'), 'x'.repeat(5_000))
  const broken = (codec: number, payload: Buffer): Buffer => {
    const full = { ...header, schemaHash: schemaHashOf({ name: 'ns', schemaVersion: '1', schema: undefined }), absent: false }
    const stub = { id: codec, trusting: false, encode: () => payload, decode: () => undefined }
    return encodeEnvelope(full, 'x', { codec: stub, compressAboveBytes: Number.POSITIVE_INFINITY, signer: undefined })
  }

  it.each([
    ['says to hold more than it may', 'size', () => decoded(formatOf({ maxValueBytes: 4_000 }, 'unsigned'), packed)],
    ['is larger than it may be', 'size', () => decoded(formatOf({ maxValueBytes: 10 }, 'unsigned'), good)],
    ['does not parse', 'payload', () => decoded(plain, broken(1, Buffer.from('{')))],
    ['names a kind of value that there is not', 'payload', () => decoded(plain, broken(2, Buffer.from('{"$":"regexp"}')))],
    ['claims a codec of the future', 'codec', () => decoded(plain, broken(99, Buffer.from('1')))],
    ['would have V8 read a stranger’s bytes', 'signature', () => decoded(plain, broken(5, Buffer.from([0xff, 0x0f])))],
    ['belongs to another key', 'key', () => decoded(plain, good, 'env/v1/ns/other')],
    ['was written under another version of the schema', 'schema', () => decoded(formatOf({ schemaVersion: '2' }, 'unsigned'), good)],
  ])('when it %s', (_what, fault, run) => {
    expect(run()).toBe(`fault: ${fault}`)
  })

  it('when a compressed payload holds more than it says, without unpacking it', () => {
    const bomb = encoded(formatOf({ compressAboveBytes: 100 }, 'unsigned'), 'x'.repeat(400_000))
    bomb.writeUInt32LE(1_000, 46 + bomb.readUInt16LE(10) + bomb.readUInt16LE(44))
    expect(decoded(plain, reseal(bomb))).toBe('fault: payload')
  })

  it('knows no codec 99', () => {
    expect(codecById(99)).toBeUndefined()
  })
})

describe('signing', () => {
  const value = { role: 'auditor' }
  const old = formatOf({}, new EntrySigner({ keys: [KEYS[1]] }))
  const rotated = formatOf({}, new EntrySigner({ keys: [KEYS[0], KEYS[1]] }))

  it('makes what was not signed, or was changed and summed anew, a miss', () => {
    const signed = encoded(formatOf(), value)
    const forged = Buffer.from(signed)
    forged.write('editor ', forged.indexOf('auditor'))
    expect(decoded(formatOf(), signed)).toEqual(value)
    expect(decoded(formatOf(), reseal(forged))).toBe('fault: signature')
    expect(decoded(formatOf(), encoded(formatOf({}, 'unsigned'), value))).toBe('fault: signature')
  })

  it('makes a signed entry moved to another key a miss', () => {
    expect(decoded(formatOf(), encoded(formatOf(), value), 'env/v1/ns/other')).toBe('fault: key')
  })

  it('signs with the first key and believes all, so that keys can be changed', () => {
    expect(decoded(rotated, encoded(old, value))).toEqual(value)
    expect(decoded(old, encoded(rotated, value))).toBe('fault: signature')
    expect(decoded(formatOf(), encoded(rotated, value))).toEqual(value)
  })

  it('refuses short keys and no keys, without showing them', () => {
    expect(() => new EntrySigner({ keys: [] })).toThrow(/signing.keys must be at least one key/)
    const use = (): unknown => new EntrySigner({ keys: ['hunter2'] })
    expect(use).toThrow(/signing.keys\[0\] must be at least 32 bytes long, got 7 bytes/)
    expect(use).not.toThrow(/hunter2/)
  })

  it('is needed for codec v8', () => {
    expect(() => formatOf({ codec: 'v8' }, 'unsigned')).toThrow(/codec v8 must be used with signing keys/)
  })
})

describe('31: a deploy that changes the type', () => {
  const old = encoded(formatOf(), { value: '12,50' })
  const next = { schemaVersion: '2' }

  it('migrates what it can', () => {
    const migrate = (before: unknown): unknown => ({ cents: Number((before as { value: string }).value.replace(',', '')) })
    expect(decoded(formatOf({ ...next, migrate }), old)).toEqual({ cents: 1250 })
  })

  it('leaves entries of its own schema alone', () => {
    const format = formatOf({ migrate: () => 'migrated' })
    expect(decoded(format, old)).toEqual({ value: '12,50' })
  })

  it.each([
    ['there is no migration', undefined],
    ['the migration gives it up', () => undefined],
    [
      'the migration throws',
      () => {
        throw new Error('no')
      },
    ],
  ])('misses when %s', (_why, migrate) => {
    expect(decoded(formatOf({ ...next, migrate }), old)).toBe('fault: schema')
  })
})

/** The checksum made right again, as a forger would. */
function reseal(bytes: Buffer): Buffer {
  const sealed = Buffer.from(bytes)
  sealed.writeUInt32LE(crc32(sealed.subarray(8)), 4)
  return sealed
}
