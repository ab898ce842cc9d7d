import type { RuleScore } from '@cidadao/procurement'
import { describe, expect, it } from 'vitest'
import { renderScores } from './render-scores.ts'
import { CLI_TEXTS } from './texts.ts'

const terminal = { style: (_: unknown, text: string) => text } as unknown as Parameters<typeof renderScores>[1]['terminal']
const SCORES: readonly RuleScore[] = [
  { rule: 'benford-first', planted: 0, found: 0, hits: 0, recall: null, precision: null },
  { rule: 'calendar', planted: 4, found: 0, hits: 0, recall: 0, precision: null },
  { rule: 'price-outlier', planted: 3000, found: 2999, hits: 2999, recall: 2999 / 3000, precision: 1 },
]

describe('the table of scores', () => {
  it('shows a rule that finds nothing with recall 0, and never rounds up to all', () => {
    const [title, ...table] = renderScores(SCORES, { texts: CLI_TEXTS.en, terminal, language: 'en' }).split('\n')
    expect(title).toBe('What was planted, and what the rules found of it')
    expect(table.slice(0, -1)).toEqual([
      'Rule           Planted  Found  Recall  Precision',
      'benford-first        0      0       –          –',
      'calendar             4      0      0%          –',
      'price-outlier     3000   2999   99.9%       100%',
    ])
    expect(table.at(-1)).toMatch(/made-up rows, not how often they are right on real ones\.$/)
  })

  it('is in Portuguese too, with its decimal comma', () => {
    const text = renderScores(SCORES, { texts: CLI_TEXTS.pt, terminal, language: 'pt' })
    expect(text).toMatch(/^O que foi plantado, .*\nRegra +Plantados +Achados +Revocação +Precisão\n/)
    expect(text).toMatch(/\nprice-outlier +3000 +2999 +99,9% +100%\n/)
  })
})
