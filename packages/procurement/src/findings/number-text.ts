export const LANGUAGES = ['en', 'pt'] as const
export type Language = (typeof LANGUAGES)[number]

/** A number as sentences print it: `1,234.5` in English, `1.234,5` in Portuguese. Same on every machine. */
export function numberText(value: number, language: Language, decimals = 0): string {
  const [integer = '0', fraction] = Math.abs(value).toFixed(decimals).split('.')
  const [thousands, point] = language === 'pt' ? ['.', ','] : [',', '.']
  const grouped = integer.replace(/\B(?=(\d{3})+$)/g, thousands)
  return `${value < 0 ? '-' : ''}${grouped}${fraction === undefined ? '' : `${point}${fraction}`}`
}
