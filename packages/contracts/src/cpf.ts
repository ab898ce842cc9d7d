/**
 * Eleven digits in the groups of a CPF, with or without separators, inside no longer run of digits (so not in a CNPJ
 * or a process number). Without spaces it is masked whatever its check digits say: hiding a number that is no CPF
 * costs little. With spaces the check digits must hold, or any list of quantities would match.
 */
const CPF_SHAPE = /(?<!\d)\d{3}[.\s]?\d{3}[.\s]?\d{3}\s?[-./–]?\s?\d{2}(?!\d)/g

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
