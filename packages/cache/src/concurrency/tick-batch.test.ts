import { describe, expect, it } from 'vitest'
import { TickBatch } from './tick-batch.ts'

function setUp(longest = 10) {
  const batches: (readonly number[])[] = []
  const batch = new TickBatch<number, number>(async (items) => {
    batches.push(items)
    if (items.includes(13)) throw new Error('all of it')
    return items.map((item) =>
      item < 0 ? { status: 'rejected', reason: new Error(`no ${item}`) } : { status: 'fulfilled', value: item * 2 },
    )
  }, longest)
  return { batch, batches }
}

describe('a batch of one turn of the event loop', () => {
  it('takes all that is asked for in it, a few awaits later included, and nothing of the next', async () => {
    const { batch, batches } = setUp()
    const later = (async () => {
      await Promise.resolve()
      await Promise.resolve()
      return batch.ask(2)
    })()
    expect(await Promise.all([batch.ask(1), later])).toEqual([2, 4])
    await batch.ask(3)
    expect(batches).toEqual([[1, 2], [3]])
  })

  it('leaves early when it is long enough', async () => {
    const { batch, batches } = setUp(2)
    await Promise.all([1, 2, 3].map((item) => batch.ask(item)))
    expect(batches).toEqual([[1, 2], [3]])
  })

  it('gives each item its own outcome, and a common failure to all', async () => {
    const { batch } = setUp()
    const outcomes = await Promise.allSettled([1, -1].map((item) => batch.ask(item)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    const failed = await Promise.allSettled([1, 13].map((item) => batch.ask(item)))
    expect(failed).toMatchObject([{ reason: { message: 'all of it' } }, { reason: { message: 'all of it' } }])
    expect(await batch.ask(4)).toBe(8)
  })
})
