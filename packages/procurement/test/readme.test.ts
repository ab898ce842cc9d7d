import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as errors from '../src/errors.ts'
import * as procurement from '../src/index.ts'
import { portalCsv, temporaryFolder } from './support/portal-file.ts'
import { zipOf } from './support/zip-file.ts'

const readme = await readFile(resolve(import.meta.dirname, '../README.md'), 'utf8')

type Example = (...names: readonly unknown[]) => Promise<void>
// The constructor of async functions has no name of its own.
const AsyncFunction = (async () => undefined).constructor as new (...code: readonly string[]) => Example

describe('README', () => {
  afterEach(() => vi.restoreAllMocks())

  it('the example runs as it stands', async () => {
    await using folder = await temporaryFolder()
    const zip = await folder.write(
      'a.zip',
      zipOf([{ name: '202401_Compras.csv', content: portalCsv([{}, { 'Código Órgão Superior': '26000' }, 'broken']) }]),
    )
    const example = /```ts\n([^`]*)```/.exec(readme)?.[1] ?? ''
    const code = example.replace(/^import .*$/m, '').replace("'./202401_Compras.zip'", JSON.stringify(zip))
    const lines: unknown[][] = []
    const console = { log: (...values: unknown[]) => void lines.push(values) }
    await new AsyncFunction('analyzePortal', 'findSuperiorOrgans', 'console', code)(
      procurement.analyzePortal,
      procurement.findSuperiorOrgans,
      console,
    )
    expect(lines[0]).toEqual([1, '1234.56', 1])
    expect(lines).toHaveLength(1 + procurement.allRules().filter((rule) => rule.reads === 'contracts').length)
  })

  it('names every rule and every error code, and no other', () => {
    const rules = [...readme.matchAll(/^\| `([a-z-]+)` /gm)].map((match) => match[1])
    expect(rules).toEqual(procurement.allRules().map((rule) => rule.id))
    const codes = new Set([...readme.matchAll(/PROCUREMENT_[A-Z_]+/g)].map((match) => match[0]))
    const classes = Object.values(errors).filter((value) => String(value).startsWith('class '))
    const known = classes.map((value) => new (value as typeof errors.FileEmptyError)('').code as string)
    expect([...codes].toSorted()).toEqual(known.toSorted())
  })
})
