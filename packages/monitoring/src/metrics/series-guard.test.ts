import { describe, expect, it } from 'vitest'
import { SeriesGuard } from './series-guard.ts'

function guardOf(
  rules: ConstructorParameters<typeof SeriesGuard>[0]['rules'],
  maxSeries = 100,
): { guard: SeriesGuard; overflows(): number } {
  let count = 0
  return { guard: new SeriesGuard({ rules, maxSeries, onOverflow: () => count++ }), overflows: () => count }
}

describe('SeriesGuard', () => {
  it('returns the same frozen object for the same labels', () => {
    const { guard } = guardOf({ a: { limit: 2 }, b: ['x'] })
    const first = guard.resolve({ a: '1', b: 'x' })
    expect(guard.resolve({ b: 'x', a: '1' })).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
  })

  it('counts one overflow an observation, however many of its labels exceed their rules', () => {
    const { guard, overflows } = guardOf({ a: ['x'], b: ['y'] })
    expect(guard.resolve({ a: '?', b: '?' })).toEqual({ a: 'other', b: 'other' })
    expect(overflows()).toBe(1)
  })

  it('takes no memory for what landed under other', () => {
    const { guard } = guardOf({ a: { limit: 1 } })
    for (let index = 0; index < 1_000; index++) guard.resolve({ a: `v${index}` })
    expect(guard.size).toBe(2)
  })

  it('keeps the values that still pass when only one label exceeds its rule', () => {
    const { guard } = guardOf({ a: { limit: 1 }, b: ['y'] })
    guard.resolve({ a: '1', b: 'y' })
    expect(guard.resolve({ a: '2', b: 'y' })).toEqual({ a: 'other', b: 'y' })
  })

  it('puts everything new under other once there are too many label sets', () => {
    const { guard, overflows } = guardOf({ a: { limit: 10 }, b: { limit: 10 } }, 3)
    for (let index = 0; index < 10; index++) guard.resolve({ a: `${index}`, b: `${index}` })
    expect(guard.size).toBe(4)
    expect(overflows()).toBe(7)
    expect(guard.resolve({ a: '0', b: '0' })).toEqual({ a: '0', b: '0' })
  })

  it('does not count other itself towards a limit', () => {
    const { guard, overflows } = guardOf({ a: { limit: 1 } })
    guard.resolve({ a: 'other' })
    expect(guard.resolve({ a: 'first' })).toEqual({ a: 'first' })
    expect(overflows()).toBe(0)
  })

  it('gives the place of a forgotten label set to a new one, and keeps what shares its values', () => {
    const { guard } = guardOf({ a: { limit: 1 }, b: { limit: 2 } })
    guard.resolve({ a: '1', b: '1' })
    const kept = guard.resolve({ a: '1', b: '2' })
    guard.forget({ a: '1', b: '1' })
    expect(guard.find({ a: '1', b: '1' })).toBeUndefined()
    expect(guard.resolve({ a: '1', b: '2' })).toBe(kept)
    expect(guard.resolve({ a: '1', b: '3' })).toEqual({ a: '1', b: '3' })
    expect(guard.resolve({ a: '2', b: '3' })).toEqual({ a: 'other', b: '3' })
  })

  it('takes numbers and booleans as text', () => {
    const { guard } = guardOf({ status: { limit: 5 } })
    expect(guard.resolve({ status: 200 as unknown as string })).toEqual({ status: '200' })
  })
})
