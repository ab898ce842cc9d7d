/** What is known of the check digits of an identifier. A masked one cannot be checked any more. */
export const IDENTIFIER_CHECKS = ['valid', 'invalid', 'not-checkable'] as const
export type IdentifierCheck = (typeof IDENTIFIER_CHECKS)[number]

/**
 * Eleven digits in the groups of a CPF, with or without separators, inside no longer run of digits (so not in a CNPJ
 * or a process number). Without spaces it is masked whatever its check digits say: hiding a number that is no CPF
 * costs little. With spaces the check digits must hold, or any list of quantities would match.
 */
const CPF_SHAPE = /(?<!\d)\d{3}[.\s]?\d{3}[.\s]?\d{3}\s?[-./–]?\s?\d{2}(?!\d)/g
const CNPJ_SHAPE = /^[0-9A-Z]{12}\d{2}$/

/** Replaces every CPF in a text by `***.NNN.NNN-**`, the form in which the government itself publishes them. */
export function maskCpfs(text: string): string {
  return text.length < 11 ? text : text.replace(CPF_SHAPE, maskOne)
}

function maskOne(match: string): string {
  const digits = match.replaceAll(/\D/g, '')
  return /\s/.test(match) && !isValidCpf(digits) ? match : `***.${digits.slice(3, 6)}.${digits.slice(6, 9)}-**`
}

export function isValidCpf(digits: string): boolean {
  if (!/^\d{11}$/.test(digits) || /^(\d)\1{10}$/.test(digits)) return false
  const values = Array.from(digits, Number)
  const check = (length: number): number => {
    const sum = values.slice(0, length).reduce((total, value, index) => total + value * (length + 1 - index), 0)
    return ((sum * 10) % 11) % 10
  }
  return check(9) === values[9] && check(10) === values[10]
}

/** A CNPJ without its punctuation, or `undefined`. Letters are allowed, as in the numbers issued from 2026 on. */
export function normalizeCnpj(text: string): string | undefined {
  const bare = text.replaceAll(/[./-]/g, '').toUpperCase()
  return CNPJ_SHAPE.test(bare) ? bare : undefined
}

export function isValidCnpj(bare: string): boolean {
  if (!CNPJ_SHAPE.test(bare) || /^0+$/.test(bare)) return false
  return cnpjCheckDigits(bare.slice(0, 12)) === bare.slice(12)
}

/** The two check digits of the twelve leading characters. */
export function cnpjCheckDigits(root: string): string {
  const first = cnpjCheckDigit(root)
  return `${first}${cnpjCheckDigit(`${root}${first}`)}`
}

function cnpjCheckDigit(text: string): number {
  let sum = 0
  let weight = 2
  for (let index = text.length - 1; index >= 0; index--) {
    sum += (text.charCodeAt(index) - 48) * weight
    weight = weight === 9 ? 2 : weight + 1
  }
  const remainder = sum % 11
  return remainder < 2 ? 0 : 11 - remainder
}
