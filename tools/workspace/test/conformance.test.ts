import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { conformanceCounts, parseConformanceTable } from '../src/conformance-table.ts'
import { normaliseQuotes, testTitles } from '../src/test-titles.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SECTIONS = { A: 10, B: 47, C: 76, D: 88, E: 102, F: 112, G: 120 } as const
const LATER_ISSUES = [3, 4, 5, 6, 7]

const page = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')
const rows = parseConformanceTable(page)
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

/** A suite that several test files share runs only where one of its package names it. */
function isRun(file: string): boolean {
  if (file.endsWith('.test.ts')) return true
  const folder = file.split('/').slice(0, 2).join('/')
  const tests = globSync([`${folder}/src/**/*.test.ts`, `${folder}/test/**/*.test.ts`], { cwd: ROOT })
  return tests.some((test) => read(test).includes(`/${basename(file)}'`))
}

describe('docs/conformance.md', () => {
  it('has the numbers 1 to 120, each once and in order', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1))
  })

  it('has each number under the heading of its subject', () => {
    const lastOf = Object.keys(SECTIONS).map((letter) => [letter, rows.filter(({ section }) => section === letter).at(-1)?.number])
    expect(Object.fromEntries(lastOf)).toEqual(SECTIONS)
  })

  it('names files and tests that exist and run', () => {
    const files = new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)))
    expect(files.size).toBeGreaterThan(30)
    const titles = new Map<string, ReadonlySet<string>>()
    for (const file of files) {
      if (existsSync(join(ROOT, file)) && isRun(file)) titles.set(file, new Set(Array.from(testTitles(read(file)), normaliseQuotes)))
    }
    const lost = rows.flatMap(({ number, tests }) =>
      tests
        .filter(({ file, title }) => titles.get(file)?.has(normaliseQuotes(title)) !== true)
        .map(({ file, title }) => `${number}: ${file} › ${title}`),
    )
    expect(lost).toEqual([])
  })

  it('leaves nothing open without an issue that brings it', () => {
    const open = rows.flatMap(({ number, open: parts }) => parts.map(({ issue }) => ({ number, issue })))
    expect(open.filter(({ issue }) => !LATER_ISSUES.includes(issue))).toEqual([])
  })

  it('counts its rows rightly', () => {
    expect(page.split('\n').filter((line) => /^\*\*\d+ behaviours:/.test(line))).toEqual([conformanceCounts(rows)])
  })
})

const TABLE = `
## A. First
| No. | Behaviour | State | Proof |
| --- | --- | --- | --- |
| 1 | adds | proved | \`a.test.ts\` › "adds \\$a to \\$b", "a \\| b"<br>\`b.test.ts\` › "says so" |
## B. Second
| No. | Behaviour | State | Proof |
| --- | --- | --- | --- |
| 2 | divides | partly | \`a.test.ts\` › "divides"<br>open (issue 4): by zero |
| 3 | counts | open | open (issue 5): all of it<br>open (issue 6): its metric |
| 4 | forgets | cannot occur | cannot occur: there is nothing to remember |
`

/** The first row of the table above, with its cells replaced. */
function tableOf(row: string): string {
  return ['## A. First', '', row].join('\n')
}

describe('the parser of the table', () => {
  it('reads tests, open parts and reasons of each row', () => {
    expect(parseConformanceTable(TABLE)).toEqual([
      {
        number: 1,
        section: 'A',
        behaviour: 'adds',
        state: 'proved',
        tests: [
          { file: 'a.test.ts', title: 'adds $a to $b' },
          { file: 'a.test.ts', title: 'a | b' },
          { file: 'b.test.ts', title: 'says so' },
        ],
        open: [],
        reason: '',
      },
      {
        number: 2,
        section: 'B',
        behaviour: 'divides',
        state: 'partly',
        tests: [{ file: 'a.test.ts', title: 'divides' }],
        open: [{ issue: 4, missing: 'by zero' }],
        reason: '',
      },
      {
        number: 3,
        section: 'B',
        behaviour: 'counts',
        state: 'open',
        tests: [],
        open: [
          { issue: 5, missing: 'all of it' },
          { issue: 6, missing: 'its metric' },
        ],
        reason: '',
      },
      { number: 4, section: 'B', behaviour: 'forgets', state: 'cannot occur', tests: [], open: [], reason: 'there is nothing to remember' },
    ])
  })

  it('counts the states', () => {
    expect(conformanceCounts(parseConformanceTable(TABLE))).toBe('**4 behaviours: 1 proved, 1 partly, 1 open, 1 cannot occur here.**')
  })

  it.each([
    ['a state that the proof does not support', '| 1 | x | proved | `a.test.ts` › "t"<br>open (issue 3): y |', 'the proof says "partly"'],
    ['an open row that is called partly proved', '| 1 | x | partly | open (issue 3): y |', 'the proof says "open"'],
    ['an open part without an issue', '| 1 | x | open | open: y |', 'neither a test, nor an open part'],
    ['an open part that does not say what is missing', '| 1 | x | open | open (issue 3): |', 'neither a test, nor an open part'],
    ['a file without a title', '| 1 | x | proved | `a.test.ts` |', 'neither a test, nor an open part'],
    ['a title without its quotes', '| 1 | x | proved | `a.test.ts` › t |', 'neither a test, nor an open part'],
    ['no proof at all', '| 1 | x | proved | |', 'neither a test, nor an open part'],
    ['no behaviour', '| 1 | | proved | `a.test.ts` › "t" |', 'the behaviour is not described'],
    ['a number that is none', '| one | x | proved | `a.test.ts` › "t" |', 'begins with its number'],
    ['a cell too many', '| 1 | x | y | proved | `a.test.ts` › "t" |', 'four cells'],
    ['a cell too few', '| 1 | x | proved |', 'four cells'],
    ['a test for what cannot occur', '| 1 | x | cannot occur | cannot occur: y<br>`a.test.ts` › "t" |', 'neither a test nor an open part'],
    ['another header', '| Number | Behaviour | State | Proof |', 'begins with its number'],
  ])('refuses %s, and names the line', (_what, row, message) => {
    expect(() => parseConformanceTable(tableOf(row))).toThrow(message)
    expect(() => parseConformanceTable(tableOf(row))).toThrow('line 3: ')
  })
})

describe('the titles of a test file', () => {
  it('are those of tests in every spelling, as the source has them', () => {
    const source = [
      "it('plain', () => {})",
      'it(`a ${b} of ${c.map((d) => `${d}`)}`, () => {})',
      "test('by its other name', async () => {})",
      'it.each([1])("each %s", () => {})',
      "it.skipIf(process.pid === 0).each([1])('where it can', () => {})",
      "describe('block', () => { it('inside', () => {}) })",
      'it("o\'clock", () => {})',
    ]
    const titles = ['plain', 'a ${b} of ${c.map((d) => `${d}`)}', 'by its other name', 'each %s', 'where it can', 'inside', "o'clock"]
    expect([...testTitles(source.join('\n'))]).toEqual(titles)
  })

  it('are not those of blocks, comments, texts, and tests that never run', () => {
    const source = [
      "// it('in a comment', () => {})",
      'const text = "it(\'in a text\', () => {})"',
      "it.skip('skipped', () => {})",
      "it.todo('planned')",
      "describe.skip('block', () => { it('in a skipped block', () => {}) })",
      "describe('a block', () => {})",
      "visit('by another function', () => {})",
    ]
    expect([...testTitles(source.join('\n'))]).toEqual([])
  })

  it('are compared whatever quotes they have', () => {
    expect(normaliseQuotes('the agent’s “own”')).toBe("the agent's 'own'")
  })
})
