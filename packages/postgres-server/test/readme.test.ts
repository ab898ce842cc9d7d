import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import * as api from '../src/index.ts'
import { speaksPostgres } from './speaks-postgres.ts'
import { tempFolder } from './temp-folder.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('has an example that runs', async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    expect(example).toContain('server.stop()')
    const dataDir = await tempFolder()
    const steps = example
      .replace(/^import .*$/m, '')
      .replace('.data/postgres', dataDir)
      .replace('await server.stop()', 'const answers = await speaksPostgres(server.port)\nawait server.stop()\nreturn { url, answers }')
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point is to run the very text of the README
    const run = new Function('PostgresServer', 'speaksPostgres', `return (async () => {${steps}})()`) as (
      ...args: readonly unknown[]
    ) => Promise<unknown>
    expect(await run(api.PostgresServer, speaksPostgres)).toEqual({
      url: expect.stringMatching(/^postgresql:\/\/postgres:.{32}@127\.0\.0\.1:\d+\/cidadao$/) as string,
      answers: true,
    })
  })

  it('names every error code, and no other', async () => {
    const source = await readFile(new URL('../src/errors.ts', import.meta.url), 'utf8')
    const inCode = [...source.matchAll(/code = '(\w+)'/g)].map((match) => match[1])
    const inReadme = [...readme.matchAll(/^\| `(POSTGRES_SERVER_\w+)`/gm)].map((match) => match[1])
    expect(inReadme.toSorted()).toEqual(inCode.toSorted())
  })
})
