import { describe, expect, it } from 'vitest'
import { resolvePostgresServerOptions, type PostgresServerOptions } from './postgres-server-options.ts'

describe('the options of a server', () => {
  it('have defaults, and are frozen', () => {
    const options = resolvePostgresServerOptions({ mode: 'throwaway' })
    expect(options).toMatchObject({ port: 0, settings: {}, startTimeoutMs: 60_000, stopTimeoutMs: 15_000, storage: { mode: 'throwaway' } })
    expect(Object.isFrozen(options)).toBe(true)
    expect(Object.isFrozen(options.settings)).toBe(true)
  })

  const wrong: readonly [string, object, string][] = [
    ['a port that is none', { mode: 'throwaway', port: 70_000 }, 'port: an integer from 0 to 65535 is required, not 70000'],
    ['a fraction of a port', { mode: 'throwaway', port: 54.32 }, 'port: '],
    ['an unknown mode', { mode: 'fast' }, 'mode: one of durable, throwaway is required, not "fast"'],
    ['a durable server without a folder', { mode: 'durable' }, 'dataDir: a path is required, not undefined'],
    ['a blank folder', { mode: 'durable', dataDir: ' ' }, 'dataDir: '],
    [
      'a setting that this package decides',
      { mode: 'throwaway', settings: { PORT: '1' } },
      'settings: only settings that this package does not decide',
    ],
    ['a setting that is no name', { mode: 'throwaway', settings: { 'a=b -c x': '1' } }, 'settings: names of PostgreSQL settings'],
    ['no time to start', { mode: 'throwaway', startTimeoutMs: 0 }, 'startTimeoutMs: a positive number of milliseconds'],
    ['endless stopping', { mode: 'throwaway', stopTimeoutMs: Number.NaN }, 'stopTimeoutMs: '],
  ]
  it.each(wrong)('refuse %s, naming field, rule and value', (_, options, message) => {
    expect(() => resolvePostgresServerOptions(options as PostgresServerOptions)).toThrow(message)
    expect(() => resolvePostgresServerOptions(options as PostgresServerOptions)).toThrow(
      expect.objectContaining({ code: 'POSTGRES_SERVER_OPTIONS_INVALID' }) as Error,
    )
  })

  it('refuse a password with a line break, and do not repeat it', () => {
    expect(() => resolvePostgresServerOptions({ mode: 'throwaway', password: 'se\ncret' })).toThrow(/^password: (?!.*cret)/)
  })
})
