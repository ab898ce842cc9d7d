/** The two laws of public procurement that overlap in the data: until 2023-12-29 a buyer could choose. */
export const PROCUREMENT_LAWS = ['lei-8666', 'lei-14133'] as const
export type ProcurementLaw = (typeof PROCUREMENT_LAWS)[number]

/** `works`: item I of the article, works and engineering. `other`: item II, other services and purchases. */
export const LIMIT_PURPOSES = ['works', 'other'] as const
export type LimitPurpose = (typeof LIMIT_PURPOSES)[number]

/** The permission to buy directly because the value is low: art. 24, I or II of Lei 8.666, or art. 75, I or II of Lei 14.133. */
export interface LowValueBasis {
  readonly law: ProcurementLaw
  readonly purpose: LimitPurpose
}

/** The article and its item, the item read to its end: `III` begins with `II` and permits something else. */
const CITED = /(?<!\d)(?<!\d\.)(24|75)\s*º?\s*,?\s*(?:inciso\s+)?([IVXL]+)(?![\p{L}\d])/iu
const LAW_BY_ARTICLE: Readonly<Record<string, { readonly law: ProcurementLaw; readonly number: RegExp }>> = {
  24: { law: 'lei-8666', number: /8\.?666/ },
  75: { law: 'lei-14133', number: /14\.?133/ },
}
const PURPOSES: Readonly<Record<string, LimitPurpose>> = { I: 'works', II: 'other' }

/**
 * Which low-value permission a cited basis is, or `undefined` where it is another one or none. Read to the letter:
 * art. 75, III of Lei 14.133 repeats a tender that failed and has no limit of value, so it is no art. 75, II.
 */
export function lowValueBasis(cited: string): LowValueBasis | undefined {
  const match = CITED.exec(cited)
  const about = LAW_BY_ARTICLE[match?.[1] ?? '']
  const purpose = PURPOSES[(match?.[2] ?? '').toUpperCase()]
  return about !== undefined && purpose !== undefined && about.number.test(cited) ? { law: about.law, purpose } : undefined
}
