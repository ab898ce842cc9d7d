import { describe, expect, it } from 'vitest'
import { hasCode, InfraError, toError } from './infra-error.ts'
import { formatIssue } from './standard-schema.ts'

class DiskFullError extends InfraError {
  readonly code = 'TEST_DISK_FULL'
}

describe('InfraError', () => {
  it('carries a stable code, facts and the original cause, and shows no cause as JSON', () => {
    const cause = new Error('ENOSPC at /secret/path')
    const error = new DiskFullError('disk full', { cause, facts: { freeBytes: 0 } })
    expect(error).toMatchObject({ name: 'DiskFullError', code: 'TEST_DISK_FULL', cause })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'DiskFullError',
      code: 'TEST_DISK_FULL',
      message: 'disk full',
      facts: { freeBytes: 0 },
    })
    expect(hasCode(error, 'TEST_DISK_FULL')).toBe(true)
    expect(hasCode(cause, 'TEST_DISK_FULL')).toBe(false)
  })

  it.each([
    ['text', 'a non-error was thrown: text'],
    [undefined, 'a non-error was thrown: undefined'],
    [{ a: 1 }, 'a non-error was thrown: {"a":1}'],
    [10n, 'a non-error was thrown: [object BigInt]'],
  ])('turns the thrown non-error %s into an error that keeps it', (thrown, message) => {
    expect(toError(thrown)).toMatchObject({ message, cause: thrown })
  })
})

describe('formatIssue', () => {
  it('puts the path to the field before the message', () => {
    expect(formatIssue({ message: 'expected text', path: ['items', { key: 0 }, 'name'] })).toBe('items.0.name: expected text')
    expect(formatIssue({ message: 'expected an object' })).toBe('expected an object')
  })
})
