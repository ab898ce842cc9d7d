import type { ContractFacts } from './contract.ts'
import { yearOf } from '../values/civil-date.ts'
import { normalizeCnpj } from '../values/identifiers.ts'

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
  /** CNPJ of the supplier, with or without punctuation, or its first eight characters for all branches of the company. */
  readonly supplierCnpj?: string
  /** Words that the supplier's name must have, next to each other; case and accents do not matter. */
  readonly supplierName?: string
}

/** Length of the part of a CNPJ that names the company, whatever the branch. */
const CNPJ_ROOT = /^[0-9A-Z]{8}$/

export function matchesFilter(contract: ContractFacts, filter: ContractFilter): boolean {
  const { superiorOrganCodes, publicationYear, signatureYear } = filter
  if (superiorOrganCodes !== undefined && !superiorOrganCodes.includes(contract.superiorOrgan.code)) return false
  if (!isOfSupplier(contract.supplier, filter)) return false
  return isInYear(contract.publishedOn, publicationYear) && isInYear(contract.signedOn, signatureYear)
}

function isInYear(date: ContractFacts['signedOn'], year: number | undefined): boolean {
  return year === undefined || (date !== null && yearOf(date) === year)
}

/** A CNPJ that is none fits nobody: an answer about everybody would be one to another question. */
function isOfSupplier({ kind, code, name }: ContractFacts['supplier'], { supplierCnpj, supplierName }: ContractFilter): boolean {
  if (supplierName !== undefined && !` ${foldName(name)} `.includes(` ${foldName(supplierName)} `)) return false
  if (supplierCnpj === undefined) return true
  const bare = supplierCnpj.replaceAll(/[./-]/g, '').toUpperCase()
  return kind === 'cnpj' && (CNPJ_ROOT.test(bare) ? code.startsWith(bare) : code === normalizeCnpj(supplierCnpj))
}

function foldName(text: string): string {
  const plain = text.normalize('NFD').replaceAll(/\p{M}/gu, '')
  return plain
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
