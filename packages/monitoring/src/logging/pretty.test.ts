import { describe, expect, it } from 'vitest'
import { formatPretty } from './pretty.ts'

const plain = (record: unknown): string => formatPretty(`${JSON.stringify(record)}\n`, { colour: false })
const time = '2024-01-31T12:00:00.000Z'

describe('formatPretty', () => {
  it('puts time, level, message and fields on one line', () => {
    expect(plain({ level: 'info', time, msg: 'step done', agent: 'benford', took: 3, note: 'two words', list: [1, 2] })).toBe(
      '12:00:00.000 INFO  step done agent=benford took=3 note="two words" list=[1,2]\n',
    )
  })

  it('shows an error with its code, and the stacks of it and its causes below', () => {
    const cause = { name: 'Error', message: 'refused', stack: 'Error: refused\n    at y' }
    const error = { name: 'DbError', code: 'DB_DOWN', message: 'no database', stack: 'DbError: no database\n    at x', cause }
    expect(plain({ level: 'error', time, msg: 'failed', error })).toBe(
      [
        '12:00:00.000 ERROR failed error=DbError (DB_DOWN): no database',
        '  DbError: no database',
        '      at x',
        '  caused by Error: refused',
        '      at y',
        '',
      ].join('\n'),
    )
  })

  it('shows control characters instead of obeying them', () => {
    const line = plain({ level: 'info', time, msg: '\u001b[2Jgone\nERROR forged', note: 'a\u202bb\u0007' })
    expect(line).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
    expect(line.trimEnd().split('\n')).toHaveLength(1)
  })

  it('colours only where told to', () => {
    expect(formatPretty(`${JSON.stringify({ level: 'warn', time, msg: 'x' })}\n`, { colour: true })).toContain('\u001b[33m')
  })

  it('shows a line that is not JSON as it came', () => {
    expect(formatPretty('half a li', { colour: false })).toBe('half a li')
  })
})
