import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createProjectGraphAsync, type ProjectGraph } from '@nx/devkit'
import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')

/** Lower layers first; an arrow may only go to an earlier one, except that tests may reach the test kit. */
const LAYERS = ['contracts', 'base', 'lib', 'app']

let graph: ProjectGraph
let eslint: ESLint

beforeAll(async () => {
  process.chdir(ROOT) // Nx and the rule find the workspace from the working directory
  // The boundary rule reads this graph; without one it only warns.
  graph = await createProjectGraphAsync({ exitOnError: false })
  eslint = new ESLint({ cwd: ROOT, overrideConfigFile: join(ROOT, 'eslint.config.mjs') })
}, 120_000)

/** The rules broken by `code` if it stood in `file`, which must exist: the text alone is replaced. */
async function violations(file: string, code: string): Promise<string[]> {
  expect(existsSync(join(ROOT, file)), file).toBe(true)
  const [result] = await eslint.lintText(code, { filePath: join(ROOT, file) })
  return result?.messages.map((message) => message.ruleId ?? `fatal: ${message.message}`) ?? []
}

describe('the boundary rule', () => {
  const BOUNDARY = '@nx/enforce-module-boundaries'

  it.each([
    ['a library importing another library', 'packages/cache/src/index.ts', "import '@cidadao/db'\n"],
    ['the contracts importing a library', 'packages/contracts/src/index.ts', "import '@cidadao/config'\n"],
    ['the app importing a driver', 'apps/orchestrator/src/main.ts', "import 'ioredis'\n"],
    ['a library importing the driver of another', 'packages/monitoring/src/index.ts', "import 'pg'\n"],
    ['a relative import across packages', 'packages/cache/src/index.ts', "import '../../contracts/src/index.ts'\n"],
    ['source code importing the test kit', 'packages/db/src/index.ts', "import '@cidadao/testing'\n"],
    ['a library importing the app', 'packages/db/src/index.ts', "import '../../../apps/orchestrator/src/main.ts'\n"],
  ])('refuses %s', async (_what, file, code) => {
    expect(await violations(file, code)).toContain(BOUNDARY)
  })

  it('refuses export *', async () => {
    expect(await violations('packages/cache/src/index.ts', "export * from './cache.ts'\n")).toContain('no-restricted-syntax')
  })

  it('refuses reading the environment outside config', async () => {
    expect(await violations('packages/db/src/index.ts', 'export const home: string | undefined = process.env.HOME\n')).toContain(
      'no-restricted-syntax',
    )
  })

  it('accepts a library importing the contracts', async () => {
    const rules = await violations('packages/cache/src/index.ts', "export type { Service } from '@cidadao/contracts'\n")
    expect(rules).not.toContain(BOUNDARY)
  })
})

describe('the project graph', () => {
  const layerOf = (project: string): string =>
    graph.nodes[project]?.data.tags?.find((tag) => tag.startsWith('layer:'))?.slice('layer:'.length) ?? 'none'

  it('has only downward arrows', () => {
    const arrows = Object.values(graph.dependencies)
      .flat()
      .filter((arrow) => arrow.target in graph.nodes)
    expect(arrows.length).toBeGreaterThan(10)
    const wrong = arrows.filter(({ source, target }) => {
      const [from, to] = [layerOf(source), layerOf(target)]
      if (to === 'tools' || from === 'tools') return from === 'tools' && to === 'app'
      if (to === 'testing') return from === 'contracts' || from === 'base'
      if (from === 'testing') return !['contracts', 'base'].includes(to)
      return LAYERS.indexOf(to) >= LAYERS.indexOf(from)
    })
    expect(wrong).toEqual([])
  })

  it('has no cycle', () => {
    const reached = new Map<string, ReadonlySet<string>>()
    const reach = (project: string, path: readonly string[]): ReadonlySet<string> => {
      expect(path, `cycle: ${[...path, project].join(' → ')}`).not.toContain(project)
      const known = reached.get(project)
      if (known) return known
      const targets = (graph.dependencies[project] ?? []).map(({ target }) => target).filter((target) => target in graph.nodes)
      const all = new Set(targets.flatMap((target) => [target, ...reach(target, [...path, project])]))
      reached.set(project, all)
      return all
    }
    for (const project of Object.keys(graph.nodes)) reach(project, [])
  })

  it('gives every package the same inside', () => {
    for (const { data } of Object.values(graph.nodes)) {
      for (const file of [
        'README.md',
        'package.json',
        'tsconfig.lib.json',
        'tsconfig.spec.json',
        'vitest.config.ts',
        'eslint.config.mjs',
      ]) {
        expect(existsSync(join(ROOT, data.root, file)), `${data.root}/${file}`).toBe(true)
      }
      const targets = Object.keys(data.targets ?? {})
      expect(targets, data.root).toEqual(expect.arrayContaining(['lint', 'typecheck', 'test']))
    }
  })
})
