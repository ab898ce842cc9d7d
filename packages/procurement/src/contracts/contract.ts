import type { CivilDate } from '../values/civil-date.ts'
import type { IdentifierCheck } from '../values/identifiers.ts'
import type { Money } from '../values/money.ts'

/** A body of the administration: a ministry, an agency, or a unit that buys. */
export interface PublicBody {
  readonly code: string
  readonly name: string
}

/**
 * `cnpj`: a company. `cpf`: a person, masked. `confidential`: hidden by law, so two of them need not be the same.
 * `foreign`: a code given abroad. `name`: the file has a name where the code belongs. `unidentified`: nothing usable.
 */
export const SUPPLIER_KINDS = ['cnpj', 'cpf', 'confidential', 'foreign', 'name', 'unidentified'] as const
export type SupplierKind = (typeof SUPPLIER_KINDS)[number]

export interface Supplier {
  readonly kind: SupplierKind
  /** CNPJ without punctuation, masked CPF, or the text of the file. Never a full CPF. */
  readonly code: string
  readonly name: string
  /** Found before masking. */
  readonly check: IdentifierCheck
}

/** Where a row stands. `line` is the physical line on which it begins, the header being line 1. */
export interface RowPosition {
  readonly file: string
  /** Data rows are counted from 1, broken ones too. */
  readonly row: number
  readonly line: number
}

/** What the rules need of a contract; small enough to be kept by the thousand. */
export interface ContractFacts extends RowPosition {
  readonly number: string
  readonly modality: string
  /** The article that the buyer cites; empty in nearly all rows of the Portal. */
  readonly legalBasis: string
  readonly superiorOrgan: PublicBody
  readonly organ: PublicBody
  readonly unit: PublicBody
  readonly signedOn: CivilDate | null
  readonly publishedOn: CivilDate | null
  readonly supplier: Supplier
  readonly initialValue: Money
  readonly finalValue: Money
}

/** One row of `…_Compras.csv`, with every CPF masked. */
export interface Contract extends ContractFacts {
  readonly object: string
  readonly situation: string
  readonly startsOn: CivilDate | null
  readonly endsOn: CivilDate | null
  readonly biddingNumber: string
  readonly biddingUnitCode: string
  readonly biddingModality: string
}

/** The facts alone, without the long texts, which are cut from the line and would keep it in memory. */
export function factsOf(contract: ContractFacts): ContractFacts {
  const { file, row, line, number, modality, legalBasis, superiorOrgan, organ, unit } = contract
  const { signedOn, publishedOn, supplier, initialValue, finalValue } = contract
  const parties = { superiorOrgan, organ, unit, supplier }
  return { file, row, line, number, modality, legalBasis, ...parties, signedOn, publishedOn, initialValue, finalValue }
}
