export const CONFORMANCE_STATES = ['proved', 'partly', 'open', 'cannot occur'] as const
export type ConformanceState = (typeof CONFORMANCE_STATES)[number]

export interface NamedTest {
  /** Relative to the workspace root. */
  readonly file: string
  /** As the source has it, placeholders included. */
  readonly title: string
}

export interface OpenPart {
  readonly issue: number
  readonly missing: string
}

/** One behaviour of `docs/conformance.md`. */
export interface ConformanceRow {
  readonly number: number
  /** Letter of the heading above the row. */
  readonly section: string
  readonly behaviour: string
  readonly state: ConformanceState
  readonly tests: readonly NamedTest[]
  readonly open: readonly OpenPart[]
  /** Why it cannot occur here; '' where it can. */
  readonly reason: string
}

const HEADER = '| No. | Behaviour | State | Proof |'
const RULE = '| --- | --- | --- | --- |'
const BREAK = '<br>'

/**
 * The rows of the page, in its order. Whatever stands in a table and is not understood throws with its line: a row that
 * is passed over would be a row that nobody checks.
 */
export function parseConformanceTable(page: string): ConformanceRow[] {
  const rows: ConformanceRow[] = []
  let section = ''
  for (const [index, line] of page.split('\n').entries()) {
    section = /^## (?<letter>[A-Z])\. /.exec(line)?.groups?.letter ?? section
    if (!line.trimStart().startsWith('|') || line === HEADER || line === RULE) continue
    try {
      rows.push(parseRow(line, section))
    } catch (cause) {
      throw new Error(`line ${index + 1}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  return rows
}

/** The line above the tables that says how far the project is. */
export function conformanceCounts(rows: readonly ConformanceRow[]): string {
  const count = (state: ConformanceState): number => rows.filter((row) => row.state === state).length
  return `**${rows.length} behaviours: ${count('proved')} proved, ${count('partly')} partly, ${count('open')} open, ${count('cannot occur')} cannot occur here.**`
}

function parseRow(line: string, section: string): ConformanceRow {
  const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
  const [before, number = '', behaviour = '', state = '', proof = '', after] = cells
  if (cells.length !== 6 || before !== '' || after !== '') throw new Error('a row has four cells')
  if (!/^[1-9]\d*$/.test(number)) throw new Error(`a row begins with its number, not ${JSON.stringify(number)}`)
  if (behaviour === '') throw new Error('the behaviour is not described')
  const parts = proof.split(BREAK).map((part) => part.trim())
  const row = {
    number: Number(number),
    section,
    behaviour,
    tests: parts.flatMap(toTests),
    open: parts.flatMap(toOpenPart),
    reason: parts.map(toReason).join(''),
  }
  const strange = parts.find((part) => toTests(part).length + toOpenPart(part).length === 0 && toReason(part) === '')
  if (strange !== undefined) throw new Error(`neither a test, nor an open part, nor a reason: ${JSON.stringify(strange)}`)
  const derived = stateOf(row)
  if (state !== derived) throw new Error(`the state is ${JSON.stringify(state)} while the proof says ${JSON.stringify(derived)}`)
  return { ...row, state: derived }
}

/** `path/to/file.test.ts` › "one title", "another title" */
function toTests(part: string): NamedTest[] {
  const match = /^`(?<file>[^`]+)` › (?<titles>"[^"]+"(?:, "[^"]+")*)$/.exec(part)
  const { file = '', titles = '' } = match?.groups ?? {}
  return Array.from(titles.matchAll(/"(?<title>[^"]+)"/g), ({ groups }) => ({ file, title: unescape(groups?.title ?? '') }))
}

function toOpenPart(part: string): OpenPart[] {
  const { issue, missing } = /^open \(issue (?<issue>\d+)\): (?<missing>\S.*)$/.exec(part)?.groups ?? {}
  return issue === undefined || missing === undefined ? [] : [{ issue: Number(issue), missing }]
}

function toReason(part: string): string {
  return /^cannot occur: (?<reason>\S.*)$/.exec(part)?.groups?.reason ?? ''
}

function stateOf({ tests, open, reason }: Pick<ConformanceRow, 'tests' | 'open' | 'reason'>): ConformanceState {
  if (reason !== '') {
    if (tests.length + open.length > 0) throw new Error('what cannot occur has neither a test nor an open part')
    return 'cannot occur'
  }
  if (tests.length === 0) return 'open'
  return open.length === 0 ? 'proved' : 'partly'
}

function unescape(title: string): string {
  return title.replace(/\\([|$_*<])/g, '$1')
}
