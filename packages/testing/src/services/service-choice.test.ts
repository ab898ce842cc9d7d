import { describe, expect, it } from 'vitest'
import { readVariable, resolveServiceMode } from './service-choice.ts'

describe('TEST_SERVICES', () => {
  it.each(['docker', 'native', 'auto'])('may be %s', (mode) => {
    expect(resolveServiceMode({ TEST_SERVICES: mode })).toBe(mode)
  })

  it('is auto where it is not set, or set to nothing', () => {
    expect([resolveServiceMode({}), resolveServiceMode({ TEST_SERVICES: '' })]).toEqual(['auto', 'auto'])
  })

  it.each(['Docker', 'podman', 'none', ' '])('is refused when it is %j', (value) => {
    expect(() => resolveServiceMode({ TEST_SERVICES: value })).toThrow(
      expect.objectContaining({
        code: 'TESTING_OPTIONS_INVALID',
        message: `TEST_SERVICES: one of docker, native, auto is required, not ${JSON.stringify(value)}`,
      }) as Error,
    )
  })
})

describe('a variable', () => {
  it('counts as unset when it is empty or blank', () => {
    expect([readVariable({ A: '' }, 'A'), readVariable({ A: '  ' }, 'A'), readVariable({}, 'A')]).toEqual([undefined, undefined, undefined])
    expect(readVariable({ A: ' redis://x ' }, 'A')).toBe('redis://x')
  })
})
