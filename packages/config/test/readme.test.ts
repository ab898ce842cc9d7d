import { join } from 'node:path'
import { runReadmeExample } from '@cidadao/workspace/readme-example'
import { describe, expect, it } from 'vitest'

describe('the README', () => {
  it('shows an example that prints what its comments say', async () => {
    const { promised, printed } = await runReadmeExample(join(import.meta.dirname, '..'))
    expect(promised).not.toEqual([])
    expect(printed).toEqual(promised)
  })
})
