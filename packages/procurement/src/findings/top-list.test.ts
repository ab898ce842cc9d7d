import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../synthetic/random.ts'
import { TopList } from './top-list.ts'

describe('top list', () => {
  it('keeps the largest in order, whatever the order in which they came, and counts all', () => {
    const random = new SeededRandom(3)
    const values = Array.from({ length: 500 }, (_, line) => ({ rank: random.below(50), line }))
    const list = new TopList<string>(20)
    for (const { rank, line } of values.toSorted((left, right) => ((left.line * 7919) % 500) - ((right.line * 7919) % 500))) {
      list.add([rank], { file: 'f', line }, () => `${rank}/${line}`)
    }
    const expected = values.toSorted((left, right) => right.rank - left.rank || left.line - right.line).slice(0, 20)
    expect(list.items()).toEqual(expected.map(({ rank, line }) => `${rank}/${line}`))
    expect(list.total).toBe(500)
  })

  it('makes an item only when it will be kept', () => {
    const list = new TopList<number>(1)
    let made = 0
    for (const rank of [5, 3, 1, 9]) list.add([rank], { file: 'f', line: rank }, () => (made++, rank))
    expect(list.items()).toEqual([9])
    expect(made).toBe(2)
  })

  it('may keep nothing and still count', () => {
    const list = new TopList<number>(0)
    list.add([1n], { file: 'f', line: 1 }, () => 1)
    expect([list.items(), list.total]).toEqual([[], 1])
  })
})
