import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cloneValue } from './clone.ts'
import { CODEC_NAMES } from './codec.ts'
import { EntryFormat } from './entry-format.ts'
import { inspectValue } from './inspect.ts'
import { EntrySigner } from './signing.ts'

/** The same values in each run: a failure is a bug, not bad luck. */
const RUNS = { seed: 20_261_123, numRuns: 400 } as const

const header = { id: 'env/v1/ns/k', createdAtMs: 0, ttlMs: 1, graceMs: 0, sequence: 0, tags: [] }
const signer = new EntrySigner({ keys: ['0123456789abcdef0123456789abcdef'] })

function formatOf(codec: (typeof CODEC_NAMES)[number], compressAboveBytes: number): EntryFormat {
  const identity = { name: 'ns', schemaVersion: '1', schema: undefined, migrate: undefined }
  return new EntryFormat({ ...identity, codec, compressAboveBytes, maxValueBytes: 10_000_000 }, signer)
}

const names = fc.string({ unit: 'binary' }).filter((name) => name !== '__proto__' && name !== 'constructor')
const { values } = fc.letrec<{ values: unknown }>((tie) => ({
  values: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.bigInt(), fc.boolean(), fc.constantFrom(null, undefined)),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie('values')),
    fc.dictionary(names, tie('values'), { noNullPrototype: false }),
    fc.array(fc.tuple(tie('values'), tie('values'))).map((entries) => new Map(entries)),
    fc.array(tie('values')).map((items) => new Set(items)),
  ),
}))

describe.each(CODEC_NAMES)('whatever value is written with %s', (codec) => {
  it.each([[0], [Number.POSITIVE_INFINITY]])('comes back exactly, compressed above %d bytes', (compressAboveBytes) => {
    const format = formatOf(codec, compressAboveBytes)
    fc.assert(
      fc.property(values, (value) => {
        const bytes = format.encode(header, { value: [value], ...inspectValue([value], { freeze: false }) })
        const decoded = format.decode(bytes, header.id)
        if (!decoded.ok) throw new Error(decoded.fault)
        expect(decoded.envelope.value).toStrictEqual([value])
      }),
      RUNS,
    )
  })

  it('is not taken for another when bytes were changed, cut off or appended', () => {
    const format = formatOf(codec, Number.POSITIVE_INFINITY)
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(60), tail: fc.uint8Array({ maxLength: 8 }) })
    fc.assert(
      fc.property(values, change, (value, { at, to, cut, tail }) => {
        const good = format.encode(header, { value: [value], ...inspectValue([value], { freeze: false }) })
        const bad = Buffer.concat([good.subarray(0, good.length - cut), tail])
        if (bad.length > 0) bad[at % bad.length] = to
        const decoded = format.decode(bad, header.id)
        expect(decoded.ok && !bad.equals(good)).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('whatever bytes a tier holds', () => {
  it('decoding them does not throw', () => {
    const format = formatOf('json', Number.POSITIVE_INFINITY)
    const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('CDC\u0001', 'latin1'))
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (prefix, bytes) => {
        expect(format.decode(Buffer.concat([prefix, bytes]), header.id).ok).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('whatever value is cloned', () => {
  it('has an equal clone that shares nothing mutable', () => {
    fc.assert(
      fc.property(values, (value) => {
        const copy = cloneValue(value)
        expect(copy).toStrictEqual(value)
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
      }),
      RUNS,
    )
  })
})
