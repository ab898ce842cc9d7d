import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runReadmeExample } from '../src/readme-example.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('the README', () => {
  it('shows an example that prints what its comments say', async () => {
    const { promised, printed } = await runReadmeExample(ROOT)
    expect(promised).toHaveLength(2)
    expect(printed).toEqual(promised)
  })

  it('names commands that exist', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    const named = Array.from(
      readme.matchAll(/npm (?:run )?(?<script>start|test|demo|bench|docs|graph|format)\b/g),
      ({ groups }) => groups?.script ?? '',
    )
    expect(named.length).toBeGreaterThanOrEqual(3)
    expect(named.filter((script) => !(script in manifest.scripts))).toEqual([])
  })
})
