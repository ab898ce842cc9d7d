import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findBenches } from './find-benches.ts'
import { performancePage } from './performance-page.ts'

describe('the benchmarks', () => {
  it('are found beside the code they measure', async () => {
    const files = await findBenches(join(import.meta.dirname, '../../..'))
    expect(files).toEqual(expect.arrayContaining(['packages/cache/bench/get-or-set.bench.ts', 'tools/bench/bench/pipeline.bench.ts']))
  })

  it('are shown with the machine, the date and the command that repeats them', () => {
    const row = { name: 'read by id', figure: '80 µs', ratio: 0.95, goal: '≥ 0.9', ok: true }
    const page = performancePage([{ file: 'packages/db/bench/read.bench.ts', rows: [row] }], new Date('2024-01-31T00:00:00Z'))
    expect(page).toContain('on 2024-01-31')
    expect(page).toContain(`Node ${process.versions.node}`)
    expect(page).toContain('`node --conditions=@cidadao/source packages/db/bench/read.bench.ts`')
    expect(page).toMatch(/read by id +80 µs +0\.95 +≥ 0\.9 +met/)
  })
})
