import { describe, expect, it } from 'vitest'
import { parseEngineArguments } from './engine-arguments.ts'

const NO_DATASOURCE = { url: null, shadowDatabaseUrl: null }

describe('the arguments of the engine', () => {
  it('are a conversation where no sub-command is named', () => {
    const argv = ['--datamodels', 'a.prisma', '--datamodels', 'b.prisma', '--datasource', '{"url":"postgresql://h/d"}']
    const datasource = { url: 'postgresql://h/d', shadowDatabaseUrl: null }
    expect(parseEngineArguments(argv)).toEqual({ mode: 'conversation', datamodels: ['a.prisma', 'b.prisma'], datasource })
    expect(parseEngineArguments([])).toEqual({ mode: 'conversation', datamodels: [], datasource: NO_DATASOURCE })
  })

  it('may name preview features and extension types, which are not taken for a sub-command', () => {
    const argv = ['--enabled-preview-features', 'partialIndexes,views', '--extension-types', '{"types":[]}']
    expect(parseEngineArguments(argv)).toMatchObject({ mode: 'conversation' })
  })

  it('are a sub-command after "cli"', () => {
    expect(parseEngineArguments(['cli', 'create-database'])).toEqual({
      mode: 'command',
      command: 'create-database',
      datasource: NO_DATASOURCE,
    })
  })

  it('are refused where they mean nothing', () => {
    expect(() => parseEngineArguments(['cli', 'format-disk'])).toThrow(
      /can-connect-to-database, create-database, drop-database is required/,
    )
    expect(() => parseEngineArguments(['serve'])).toThrow(TypeError)
    expect(() => parseEngineArguments(['--speed', '11'])).toThrow(TypeError)
  })
})
