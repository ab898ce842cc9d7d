import type { ContractFacts } from './contract.ts'
import { formatMoney, ZERO, type Money } from '../values/money.ts'

/** Totals over contracts; money as decimal strings. */
export interface ContractSummary {
  readonly contracts: number
  readonly totalInitialValue: string
  readonly totalFinalValue: string
  readonly largestInitialValue: string | null
}

/** Sums a stream of contracts, exactly. */
export class ContractTotals {
  #contracts = 0
  #initial = 0n
  #final = 0n
  #largest: Money | undefined

  add({ initialValue, finalValue }: Pick<ContractFacts, 'initialValue' | 'finalValue'>): void {
    this.#contracts++
    this.#initial += initialValue
    this.#final += finalValue
    if (this.#largest === undefined || initialValue > this.#largest) this.#largest = initialValue
  }

  summary(): ContractSummary {
    return {
      contracts: this.#contracts,
      totalInitialValue: formatMoney((ZERO + this.#initial) as Money),
      totalFinalValue: formatMoney((ZERO + this.#final) as Money),
      largestInitialValue: this.#largest === undefined ? null : formatMoney(this.#largest),
    }
  }
}
