import { describe, expect, it } from 'vitest'
import { LineSplitter, type Line } from './line-splitter.ts'

function split(chunks: readonly string[], maxLineBytes = 100): readonly (readonly [number, string, Line['kind']])[] {
  const splitter = new LineSplitter(maxLineBytes)
  const lines: Line[] = []
  for (const chunk of chunks) lines.push(...splitter.push(Buffer.from(chunk)))
  lines.push(...splitter.end())
  return lines.map((line) => [line.number, line.bytes.toString(), line.kind])
}

describe('line splitter', () => {
  it('gives the same lines wherever the chunks are cut', () => {
    const text = 'one\ntwo\r\n\nfour'
    const whole = split([text])
    expect(whole).toEqual([
      [1, 'one', 'line'],
      [2, 'two', 'line'],
      [3, '', 'line'],
      [4, 'four', 'line'],
    ])
    for (let cut = 1; cut < text.length; cut++) expect(split([text.slice(0, cut), text.slice(cut)])).toEqual(whole)
    expect(split(Array.from(text))).toEqual(whole)
  })

  it('reports a line that is too long once, skips it, and goes on after it', () => {
    const long = 'x'.repeat(250)
    expect(split([`a\n${long.slice(0, 60)}`, long.slice(60), `\nb`], 100)).toEqual([
      [1, 'a', 'line'],
      [2, 'x'.repeat(100), 'too-long'],
      [3, 'b', 'line'],
    ])
    expect(split([`${long}\nb\n`], 100).map(([number, , kind]) => [number, kind])).toEqual([
      [1, 'too-long'],
      [2, 'line'],
    ])
  })

  it('gives nothing for nothing', () => expect(split([''])).toEqual([]))
})
