import { describe, expect, it } from 'vitest'
import { redactText } from './redact-text.ts'

describe('a CPF in a text', () => {
  it.each([
    ['123.456.789-09', '***.456.789-**'],
    ['12345678909', '***.456.789-**'],
    ['123 456 789 09', '***.456.789-**'],
    ['123.456.789.09', '***.456.789-**'],
    ['123.456.789/09', '***.456.789-**'],
    ['123.456.789–09', '***.456.789-**'],
    ['CPF:12345678909', 'CPF:***.456.789-**'],
    ['cpf12345678909', 'cpf***.456.789-**'],
    ['CPF nº 123456789-09,', 'CPF nº ***.456.789-**,'],
    ['de João (123.456.789-09) e 987.654.321-00.', 'de João (***.456.789-**) e ***.654.321-**.'],
    ['user_12345678909', 'user_***.456.789-**'],
    ['/people/12345678909?x=1', '/people/***.456.789-**?x=1'],
  ])('%j becomes %j', (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  it.each([
    ['a CNPJ', '12.345.678/0001-90'],
    ['a bare CNPJ', '12345678000190'],
    ['an address', '192.168.100.10'],
    ['a UUID', '018f3a2b-1234-7abc-8def-123456789012'],
    ['a hash', 'a12345678901bcdef0123456789abcdef012345678901abcdef0123456789abc'],
    ['a decimal', '0.12345678901'],
    ['an amount', '12345678901.50'],
    ['a Brazilian amount', '9.222.273.688,82'],
    ['a timestamp in milliseconds', '1706702400000'],
    ['an instant', '2024-01-31T12:00:00.000Z'],
    ['one masked already', '***.456.789-**'],
  ])('leaves %s as it is', (_, text) => {
    expect(redactText(text)).toBe(text)
  })
})

describe('a secret in a text', () => {
  it.each([
    'postgresql://app:hunter2@db.internal:5432/cidadao',
    'postgresql+asyncpg://app:hunter2@db:5432/x',
    'redis://:hunter2@cache:6379/0',
    'rediss://default:p@ss/hunter2@cache:6379',
    'connect to "postgres://app:hunter2@db/x" failed',
    'https://user:hunter2@registry.example/x',
    'host=db user=app password=hunter2 dbname=x',
    "password='hunter2 and more'",
    '{"password":"hunter2"}',
    '{\\"api_key\\": \\"hunter2\\"}',
    'PGPASSWORD=hunter2 psql',
    'senha: hunter2',
    'REDIS_PASSWORD = hunter2',
    'chave-api-dados: hunter2',
    'https://api.example/x?access_token=hunter2&page=1',
    'Authorization: Bearer hunter2hunter2',
    'authorization: Basic aHVudGVyMjpodW50ZXIy',
    'Bearer hunter2hunter2',
    'token hunter2hunter2',
    'Cookie: session=hunter2',
    'eyJhbGciOiJIUzI1NiJ9.hunter2hunter2.hunter2',
    'sk-hunter2hunter2hunter2',
    'ghp_hunter2hunter2hunter2',
    '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----',
  ])('%s is not shown', (text) => {
    const redacted = redactText(text)
    expect(redacted).not.toMatch(/hunter2|aHVudGVy/)
    expect(redactText(redacted)).toBe(redacted)
  })

  it('leaves what is around it', () => {
    expect(redactText('connect to postgresql://app:hunter2@db.internal:5432/cidadao failed')).toBe(
      'connect to postgresql://***@db.internal:5432/cidadao failed',
    )
    expect(redactText('GET /x?api_key=hunter2&page=2 took 3 ms')).toBe('GET /x?api_key=[redacted]&page=2 took 3 ms')
  })

  it.each([
    'the token is no longer valid',
    'basic authentication is not supported',
    'https://portal.example/contracts?page=2&mail=a@b.example',
    'Investigação concluída: 419 contratos, R$ 9.222.273.688,82 — Ministério da Saúde',
    'redis://cache:6379/0',
  ])('leaves prose and addresses without credentials: %s', (text) => {
    expect(redactText(text)).toBe(text)
  })
})

describe('a long text', () => {
  it('is cut, and tells how much is missing', () => {
    const text = redactText('á'.repeat(20_000))
    expect(text.length).toBeLessThan(8_300)
    expect(text).toMatch(/more\]$/)
  })

  it('does not show a secret that the cut would divide, wherever it lies', () => {
    for (let offset = 8_100; offset <= 8_260; offset++) {
      const redacted = redactText(`${' '.repeat(offset)}postgresql://app:hunter2hunter2@db/x 123.456.789-09${' '.repeat(9_000)}`)
      expect(redacted).not.toMatch(/hunter|123\.|789-0/)
    }
  })

  it.each([
    ['words', 'a'.repeat(8_192)],
    ['schemes', 'a://'.repeat(2_048)],
    ['digits', '1'.repeat(8_192)],
    ['dashes', 'password-'.repeat(900)],
    ['quotes', 'token="'.repeat(1_100)],
    ['keys', '-----BEGIN PRIVATE KEY-----'.repeat(300)],
    ['spaces', `password${' '.repeat(8_000)}`],
    ['dots', 'eyJaaaaa.'.repeat(900)],
  ])('takes no long time over hostile %s', (_, text) => {
    const before = performance.now()
    redactText(text)
    expect(performance.now() - before).toBeLessThan(250)
  })
})
