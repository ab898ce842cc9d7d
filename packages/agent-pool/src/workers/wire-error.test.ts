import { InfraError } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { RemoteInfraError } from '../errors.ts'
import { fromWireError, toWireError } from './wire-error.ts'

/** As it goes between threads. */
const across = (thrown: unknown): Error => fromWireError(structuredClone(toWireError(thrown)))

class LimitError extends InfraError {
  readonly code = 'TEST_LIMIT'
}

describe('an error between threads', () => {
  it('loses its own properties by structured cloning alone, which is why it does not travel so', () => {
    const original = new LimitError('over', { facts: { limit: 3 } })
    expect(structuredClone(original)).not.toHaveProperty('code')
    expect(across(original)).toMatchObject({ name: 'LimitError', code: 'TEST_LIMIT', facts: { limit: 3 } })
  })

  it('stays an InfraError where it was one', () => {
    const error = across(new LimitError('over', { facts: { limit: 3 }, cause: new TypeError('root') }))
    expect(error).toBeInstanceOf(RemoteInfraError)
    expect(error.cause).toMatchObject({ name: 'TypeError', message: 'root' })
  })

  it('keeps plain properties of system errors, stack and class name', () => {
    class OddError extends Error {}
    const original = Object.assign(new OddError('odd'), { errno: -2, code: 'ENOENT', path: '/x', nested: { a: 1 } })
    const error = across(original)
    expect(error).toMatchObject({ name: 'OddError', message: 'odd', errno: -2, code: 'ENOENT', path: '/x', stack: original.stack })
    expect(error).not.toHaveProperty('nested')
  })

  it('keeps the errors of an AggregateError', () => {
    const error = across(new AggregateError([new Error('a'), new RangeError('b')], 'both'))
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors).toMatchObject([{ message: 'a' }, { name: 'RangeError', message: 'b' }])
  })

  it('is bounded: no endless causes, no endless text, no getter that throws', () => {
    const loop = new Error('loop')
    loop.cause = loop
    let depth = 0
    for (let error: unknown = across(loop); error instanceof Error; error = error.cause) depth++
    expect(depth).toBeLessThanOrEqual(9)

    expect(across(new Error('x'.repeat(1_000_000))).message.length).toBeLessThanOrEqual(10_001)

    const trap = Object.defineProperty(new Error('trap'), 'boom', {
      enumerable: true,
      get: () => {
        throw new Error('getter')
      },
    })
    expect(across(trap).message).toBe('trap')
  })

  it('may be no error at all', () => {
    expect(across('just text').message).toContain('just text')
    expect(across(undefined)).toBeInstanceOf(Error)
    expect(across({ a: 1n })).toBeInstanceOf(Error)
  })
})
