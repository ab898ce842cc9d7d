import { InfraError, serviceGroup } from '@cidadao/contracts'
import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { UsageError } from './errors.ts'
import { errorLines, exitCodeOf } from './exit-codes.ts'
import { printable } from './output/terminal.ts'

class NewerError extends InfraError {
  readonly code = 'DB_NEWER_THAN_CODE'
}

describe('what a failure becomes on the terminal', () => {
  it('is one line with what is wrong, the mend and the code', () => {
    expect(errorLines(new NewerError('the database\n  is newer'))).toBe(
      'the database is newer; install the newer version of cidadao, or name another database in DATABASE_URL [DB_NEWER_THAN_CODE]',
    )
    expect(exitCodeOf(new NewerError('x'))).toBe(1)
  })

  it('is 2 for a wrong call and for whatever commander refuses, but not for help', () => {
    expect(exitCodeOf(new UsageError('x'))).toBe(2)
    expect(exitCodeOf(new CommanderError(1, 'commander.unknownOption', 'x'))).toBe(2)
    expect(exitCodeOf(new CommanderError(0, 'commander.helpDisplayed', 'x'))).toBe(0)
  })

  it('is about the member that did not start, not about the group', async () => {
    const stop = (): Promise<void> => Promise.reject(new Error('nor does it stop'))
    const first = { name: 'first', start: async () => {}, stop }
    const second = { name: 'second', start: () => Promise.reject(new UsageError('the reason')), stop }
    const failure: unknown = await serviceGroup([serviceGroup([first, second])])
      .start()
      .catch((thrown: unknown) => thrown)
    expect(errorLines(failure)).toBe('the reason [CLI_USAGE]')
    expect(exitCodeOf(failure)).toBe(2)
  })

  it('names the kind of an error that nobody threw on purpose, and repeats no code', () => {
    expect(errorLines(new TypeError('x is not a function'))).toBe('TypeError: x is not a function')
    expect(errorLines(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }))).toBe('EACCES: permission denied')
  })
})

it('keeps control characters of foreign text off the terminal', () => {
  expect(printable('a\u001B[31mred\r\nb\u202Ec')).toBe('a [31mred b c')
})
