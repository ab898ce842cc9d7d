import { describe, expect, it } from 'vitest'
import { SeededRandom } from './seeded-random.ts'

describe('seeded random choices', () => {
  it('come again with the same seed, and differ with another', () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed)
      return Array.from({ length: 20 }, () => random.next())
    }
    expect(draw(42)).toEqual(draw(42))
    expect(draw(42)).not.toEqual(draw(43))
  })

  it('are spread evenly over their range', () => {
    const random = new SeededRandom(7)
    const counts = new Array<number>(6).fill(0)
    for (let throws = 0; throws < 60_000; throws += 1) {
      const side = random.integer(1, 6) - 1
      counts[side] = (counts[side] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(9_500)
    expect(Math.max(...counts)).toBeLessThan(10_500)
  })

  it('shuffle without losing anything', () => {
    const list = Array.from({ length: 50 }, (_, index) => index)
    const shuffled = new SeededRandom(3).shuffle(list)
    expect(shuffled).not.toEqual(list)
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(list)
  })

  it('happen always at 1 and never at 0', () => {
    const random = new SeededRandom(5)
    const outcomes = Array.from({ length: 100 }, () => [random.chance(1), random.chance(0)])
    expect(outcomes.every(([always, never]) => always === true && never === false)).toBe(true)
  })

  it('cannot pick from nothing', () => {
    expect(() => new SeededRandom(1).pick([])).toThrow(RangeError)
    expect(new SeededRandom(1).pick(['only'])).toBe('only')
  })
})
