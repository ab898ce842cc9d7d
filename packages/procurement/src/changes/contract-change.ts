import type { PublicBody, RowPosition } from '../contracts/contract.ts'
import type { CivilDate } from '../values/civil-date.ts'
import type { Money } from '../values/money.ts'

interface ContractChange extends RowPosition {
  /** Of the contract that is changed. */
  readonly contractNumber: string
  readonly superiorOrgan: PublicBody
  readonly organ: PublicBody
  readonly unit: PublicBody
  readonly number: string
  /** What is changed, in free text. CPFs masked. */
  readonly subject: string
}

/** One row of `…_TermoAditivo.csv`: an amendment that both sides signed. */
export interface Amendment extends ContractChange {
  readonly publishedOn: CivilDate | null
}

/** One row of `…_Apostilamento.csv`: a change that the administration notes by itself, such as a price adjustment. */
export interface Apostille extends ContractChange {
  readonly value: Money | null
  readonly includedOn: CivilDate | null
  readonly situation: string
}
