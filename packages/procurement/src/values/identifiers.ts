export { isValidCpf, maskCpfs } from '@cidadao/contracts'

/** What is known of the check digits of an identifier. A masked one cannot be checked any more. */
export const IDENTIFIER_CHECKS = ['valid', 'invalid', 'not-checkable'] as const
export type IdentifierCheck = (typeof IDENTIFIER_CHECKS)[number]

const CNPJ_SHAPE = /^[0-9A-Z]{12}\d{2}$/

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
