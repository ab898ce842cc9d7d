import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { renderEnvExample, renderReference } from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { load } from './load.ts'

const ROOT = join(import.meta.dirname, '../../..')
const CURE = 'run `npx nx run config:write-docs`'

describe('the reference', () => {
  it('in docs/configuration.md is what the table of variables says', async () => {
    expect(await readFile(join(ROOT, 'docs/configuration.md'), 'utf8'), CURE).toBe(renderReference())
  })

  it('in .env.example is what the table of variables says', async () => {
    expect(await readFile(join(ROOT, '.env.example'), 'utf8'), CURE).toBe(renderEnvExample())
  })

  it('maps every variable to its field, once', () => {
    for (const { variable, field, section } of load().effective) {
      if (section === 'preset') continue
      const lines = renderReference()
        .split('\n')
        .filter((line) => line.startsWith(`| \`${variable}\``))
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain(field === null ? '| none ' : `| \`${field}\``)
    }
  })

  it('changes nothing when .env.example is copied, nor when its defaults are uncommented', () => {
    expect(parseEnv(renderEnvExample())).toEqual({})
    const uncommented = renderEnvExample().replaceAll(/^# (?=[A-Z_]+=.)/gm, '')
    const env = parseEnv(uncommented) as Record<string, string>
    expect(Object.keys(env).length).toBeGreaterThan(25)
    const sources = { effective: [] }
    expect({ ...load(env), ...sources }).toEqual({ ...load(), ...sources })
  })
})
