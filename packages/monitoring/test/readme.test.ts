import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

it('the example of the README runs and prints what it says', () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(file('../README.md'), 'utf8'))?.[1] ?? ''
  mkdirSync(file('../test-output'), { recursive: true })
  writeFileSync(file('../test-output/readme-example.mts'), code)
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=@cidadao/source', file('../test-output/readme-example.mts')],
    {
      encoding: 'utf8',
      // A task runner may force colours on everything below it.
      env: { NO_COLOR: '1' },
    },
  )
  const promised = [...code.matchAll(/console\.log\(.*\/\/ (.*)/g)].map((match) => match[1])
  expect(promised).toHaveLength(2)
  expect(stdout.trim().split('\n')).toEqual(promised)
  expect(JSON.parse(stderr)).toMatchObject({ msg: 'investigation submitted', query: 'CPF ***.456.789-**' })
  expect(status).toBe(0)
})
