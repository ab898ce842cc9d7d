import { describe, expect, it } from 'vitest'
import { createLogger } from './create-logger.ts'
import { redactText } from './redact-text.ts'

/** The same texts in every run, from a seed: a linear congruential generator is random enough for that. */
function generator(seed: number): (below: number) => number {
  let state = BigInt(seed)
  return (below) => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn
    return Number((state >> 33n) % BigInt(below))
  }
}

const WORDS = [
  'consulta de',
  'the supplier',
  'órgão',
  '🙂',
  'id=42',
  '(',
  '"',
  '→',
  '\n',
  'https://example.org/a?b=c',
  '2024-05-01',
  'R$ 1.234,56',
]
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

type Random = ReturnType<typeof generator>

const digits = (random: Random, count: number): string => Array.from({ length: count }, () => random(10)).join('')
const letters = (random: Random, count: number): string =>
  Array.from({ length: count }, () => ALPHABET[random(ALPHABET.length)] ?? 'a').join('')

/** A secret as people write it, and the part that must not come out. */
const SECRETS: readonly ((random: Random) => readonly [text: string, secret: string])[] = [
  (random) => {
    const [a, b, c, d] = [digits(random, 3), digits(random, 3), digits(random, 3), digits(random, 2)]
    const cpf = [`${a}.${b}.${c}-${d}`, `${a}${b}${c}${d}`, `${a} ${b} ${c} ${d}`][random(3)] ?? ''
    return [`CPF ${cpf}`, cpf]
  },
  (random) => {
    const password = letters(random, 12)
    return [`${['postgresql', 'postgres', 'rediss'][random(3)] ?? ''}://user:${password}@db.example:5432/x`, password]
  },
  (random) => {
    const token = letters(random, 32)
    return [`Authorization: Bearer ${token}`, token]
  },
  (random) => {
    const password = letters(random, 10)
    return [`${['password', 'senha', 'api_key', 'token'][random(4)] ?? ''}${['=', ': '][random(2)] ?? '='}${password}`, password]
  },
]

describe('no secret comes out', () => {
  it('of ten thousand texts in which one is hidden between others, wherever it stands', () => {
    const random = generator(20_261_123)
    for (let round = 0; round < 10_000; round++) {
      const [text, secret] = SECRETS[random(SECRETS.length)]?.(random) ?? ['', 'x']
      const around = Array.from({ length: random(6) }, () => WORDS[random(WORDS.length)] ?? '')
      const at = random(around.length + 1)
      const whole = [...around.slice(0, at), text, ...around.slice(at)].join(' ')
      expect(redactText(whole), `round ${round}: ${whole}`).not.toContain(secret)
    }
  })

  it('of a thousand lines, as message, field, key, nested value or error', () => {
    const random = generator(7)
    const lines: string[] = []
    const logger = createLogger({ format: 'json', destination: { write: (line) => void lines.push(line) } })
    for (let round = 0; round < 1_000; round++) {
      const [text, secret] = SECRETS[random(SECRETS.length)]?.(random) ?? ['', 'x']
      const fields = [{ note: text }, { [text]: 1 }, { deep: [{ deeper: new Map([['a', text]]) }] }, { error: new Error(text) }, {}]
      logger.info(random(2) === 0 ? text : 'fixed', fields[random(fields.length)])
      expect(lines.at(-1), `round ${round}: ${text}`).not.toContain(secret)
    }
    expect(lines).toHaveLength(1_000)
  })
})
