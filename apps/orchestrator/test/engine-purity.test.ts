import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ESLint, Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const FILE = 'src/engine/decide.ts'

describe('decide() is kept pure by a lint rule', () => {
  it('that accepts it as it is and refuses clock, chance and imports of code', { timeout: 60_000 }, async () => {
    const config = (await new ESLint({ cwd: ROOT }).calculateConfigForFile(join(ROOT, FILE))) as { readonly rules: Linter.RulesRecord }
    const names = ['no-restricted-globals', 'no-restricted-properties', '@typescript-eslint/no-restricted-imports'] as const
    const rules = Object.fromEntries(names.map((name) => [name, config.rules[name]])) as Linter.RulesRecord
    const source = await readFile(join(ROOT, FILE), 'utf8')
    // These rules alone need no types, which makes this quick.
    const language = { parser: tseslint.parser as Linter.Parser }
    const plugins = { '@typescript-eslint': tseslint.plugin as unknown as ESLint.Plugin }
    const complaints = (addition: string): number[] =>
      new Linter()
        .verify(addition + source, [{ files: ['**/*.ts'], languageOptions: language, plugins, rules }], { filename: FILE })
        .map(({ line }) => line)

    expect(complaints('')).toEqual([])
    const impure = ['Date.now()', 'new Date()', 'Math.random()', 'performance.now()', 'process.hrtime()', 'crypto.randomUUID()']
    for (const expression of impure) expect([expression, ...complaints(`export const now = ${expression}\n`)]).toEqual([expression, 1])
    expect(complaints("import { contentHash } from './content-hash.ts'\n")).toEqual([1])
  })
})
