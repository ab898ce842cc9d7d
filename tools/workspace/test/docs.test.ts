import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventReference, findDeclaredEvents } from '../src/event-reference.ts'
import { errorReference, findDeclaredErrors } from '../src/error-reference.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('docs/errors.md', () => {
  it('lists every error code of the sources (npm run docs writes it)', async () => {
    const errors = await findDeclaredErrors(ROOT)
    expect(errors.length).toBeGreaterThan(20)
    const page = await readFile(join(ROOT, 'docs/errors.md'), 'utf8')
    const listed = Array.from(page.matchAll(/^\| `(?<code>[A-Z0-9_]+)`/gm), ({ groups }) => groups?.code)
    expect(listed).toEqual(errors.map(({ code }) => code))
    expect(page === errorReference(errors), 'docs/errors.md is out of date: npm run docs').toBe(true)
  })

  it('has a meaning for each code, and no code twice', async () => {
    const errors = await findDeclaredErrors(ROOT)
    expect(errors.filter(({ meaning }) => meaning === '').map(({ code }) => code)).toEqual([])
    expect(new Set(errors.map(({ code }) => code)).size).toBe(errors.length)
  })
})

describe('docs/events.md', () => {
  it('lists every event of the sources (npm run docs writes it)', async () => {
    const events = await findDeclaredEvents(ROOT)
    expect(new Set(events.map(({ source }) => source))).toContain('DatabaseEvents')
    const page = await readFile(join(ROOT, 'docs/events.md'), 'utf8')
    expect(page === eventReference(events), 'docs/events.md is out of date: npm run docs').toBe(true)
  })

  it('says of each event when it comes', async () => {
    const events = await findDeclaredEvents(ROOT)
    expect(events.filter(({ meaning }) => meaning === '').map(({ source, name }) => `${source}.${name}`)).toEqual([])
  })
})
