import { InfraError } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { ValueRedactor } from './redact-value.ts'

const redactor = new ValueRedactor()

class PoolTimeoutError extends InfraError {
  readonly code = 'DB_POOL_TIMEOUT'
}

describe('a secret by its name', () => {
  it.each([
    'password',
    'PASSWORD',
    'db_password',
    'passwd',
    'senha',
    'clientSecret',
    'accessToken',
    'Authorization',
    'apiKey',
    'api-key',
    'x-api-key',
    'chave-api-dados',
    'set-cookie',
    'privateKey',
    'credentials',
  ])('%s is not shown at any depth, whatever its type', (key) => {
    const value = { list: [{ [key]: 'hunter2' }], deeper: { still: { [key]: { inside: ['hunter2'] } } }, [key]: 22 }
    expect(JSON.stringify(redactor.redact(value))).not.toMatch(/hunter2|22/)
  })

  it('shows whether there is one', () => {
    expect(redactor.redact({ password: null, token: true })).toEqual({ password: null, token: true })
  })

  it('can be one of the caller', () => {
    expect(new ValueRedactor(['tax_number']).redact({ a: { taxNumber: 'x', name: 'y' } })).toEqual({
      a: { taxNumber: '[redacted]', name: 'y' },
    })
  })
})

describe('a personal number', () => {
  it('is masked in values, in keys, in lists, in sets, in maps', () => {
    const cpf = '123.456.789-09'
    const value = { text: `de ${cpf}`, list: [cpf], set: new Set([cpf]), map: new Map([[cpf, '12345678909']]), [cpf]: 1 }
    expect(redactor.redact(value)).toEqual({
      text: 'de ***.456.789-**',
      list: ['***.456.789-**'],
      set: ['***.456.789-**'],
      map: { '***.456.789-**': '***.456.789-**' },
      '***.456.789-**': 1,
    })
  })

  it('is masked as a number where the name says so, with its leading zeros', () => {
    expect(redactor.redact({ cpf: 1_234_567_890, supplierCpf: 12_345_678_909n, amountCents: 12_345_678_909 })).toEqual({
      cpf: '***.345.678-**',
      supplierCpf: '***.456.789-**',
      amountCents: 12_345_678_909,
    })
  })
})

describe('an error', () => {
  it('keeps name, code, message, facts, stack and its causes, without their secrets', () => {
    const root = Object.assign(new Error('connect to redis://:hunter2@cache failed'), { code: 'ECONNREFUSED' })
    const error = new PoolTimeoutError('no connection for 123.456.789-09', { cause: root, facts: { waitedMs: 5, password: 'hunter2' } })
    const logged = redactor.redact(error) as Record<string, Record<string, unknown>>
    expect(logged).toMatchObject({
      name: 'PoolTimeoutError',
      code: 'DB_POOL_TIMEOUT',
      message: 'no connection for ***.456.789-**',
      facts: { waitedMs: 5, password: '[redacted]' },
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect to redis://***@cache failed' },
    })
    expect(logged.stack).toContain('redact-value.test.ts')
    expect(JSON.stringify(logged)).not.toMatch(/hunter2|789-09/)
  })

  it('shows nothing that a driver hung on it', () => {
    const error = Object.assign(new Error('insert failed'), { parameters: ['hunter2'], detail: 'Key (cpf)=(12345678909) exists' })
    expect(JSON.stringify(redactor.redact(error))).not.toMatch(/hunter2|12345678909/)
  })

  it('keeps the parts of an aggregate, and a cause that is no error', () => {
    const error = new AggregateError([new Error('one'), 'two'], 'both', { cause: { reason: 'x' } })
    expect(redactor.redact(error)).toMatchObject({ message: 'both', errors: [{ message: 'one' }, 'two'], cause: { reason: 'x' } })
  })

  it('that causes itself, or has endless causes, ends', () => {
    const circular = new Error('round')
    circular.cause = circular
    expect(redactor.redact(circular)).toMatchObject({ cause: '[circular]' })
    let deep = new Error('0')
    for (let level = 1; level < 100; level++) deep = new Error(String(level), { cause: deep })
    expect(JSON.stringify(redactor.redact(deep))).toContain('[more causes]')
  })
})

describe('a difficult value', () => {
  it('is told to be circular where it is, and shown twice where it is only shared', () => {
    const shared = { a: 1 }
    const value: Record<string, unknown> = { one: shared, two: shared }
    value.self = value
    expect(redactor.redact(value)).toEqual({ one: { a: 1 }, two: { a: 1 }, self: '[circular]' })
  })

  it.each<[string, unknown, unknown]>([
    ['NaN', NaN, 'NaN'],
    ['Infinity', -Infinity, '-Infinity'],
    ['a bigint', 123n, '123'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an invalid date', new Date(NaN), 'Invalid Date'],
    ['bytes', Buffer.from('hunter2'), '[7 bytes]'],
    ['a function', () => 1, '[function]'],
    ['a symbol', Symbol('x'), '[symbol]'],
    ['a URL', new URL('https://u:hunter2@x.example/'), 'https://***@x.example/'],
    ['something with toJSON', { toJSON: () => '12345678909' }, '***.456.789-**'],
    ['text with a lone surrogate', 'a\ud800', 'a\ud800'],
  ])('%s becomes text', (_, value, expected) => {
    expect(redactor.redact({ value })).toEqual({ value: expected })
  })

  it('that throws when read is said to be unreadable, and the rest is shown', () => {
    const trap = {
      fine: 1,
      get broken(): never {
        throw new Error('hunter2')
      },
      json: {
        toJSON: () => {
          throw new Error('hunter2')
        },
      },
      proxy: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('hunter2')
          },
        },
      ),
    }
    expect(redactor.redact(trap)).toEqual({ fine: 1, broken: '[unreadable]', json: '[unreadable]', proxy: '[unreadable]' })
  })

  it('is bounded in depth and in breadth', () => {
    let deep: unknown = 'bottom'
    for (let level = 0; level < 50; level++) deep = { deep }
    expect(JSON.stringify(redactor.redact(deep))).toContain('[too deep]')
    expect(redactor.redact(Array.from({ length: 1_000 }, () => 1))).toHaveLength(101)
    expect(
      Object.keys(redactor.redact(Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, 1]))) as object),
    ).toHaveLength(101)
  })

  it('named __proto__ is a field and changes no prototype', () => {
    const logged = redactor.redactFields(JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>)
    expect(JSON.stringify(logged)).toBe('{"__proto__":{"polluted":true}}')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
