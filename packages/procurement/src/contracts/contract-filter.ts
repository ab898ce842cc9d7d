import type { ContractFacts } from './contract.ts'
import { yearOf } from '../values/civil-date.ts'

/** Which contracts an investigation is about. Everything given must hold; nothing given lets all pass. */
export interface ContractFilter {
  /** Codes of the superior organ, such as `36000` for the Ministry of Health. */
  readonly superiorOrganCodes?: readonly string[]
  /**
   * Year of publication in the official gazette. This is what "contracts of 2024" means here, as the Portal files by
   * month of publication: a contract signed on 29 December and published in January belongs to the new year.
   */
  readonly publicationYear?: number
  /** Year of signature, for who means that instead. */
  readonly signatureYear?: number
}

export function matchesFilter(contract: ContractFacts, filter: ContractFilter): boolean {
  const { superiorOrganCodes, publicationYear, signatureYear } = filter
  if (superiorOrganCodes !== undefined && !superiorOrganCodes.includes(contract.superiorOrgan.code)) return false
  return isInYear(contract.publishedOn, publicationYear) && isInYear(contract.signedOn, signatureYear)
}

function isInYear(date: ContractFacts['signedOn'], year: number | undefined): boolean {
  return year === undefined || (date !== null && yearOf(date) === year)
}
