import { reais, type Money } from '../values/money.ts'
import { lineOf, type PlantedAnomaly } from './planting.ts'
import { SeededRandom } from './random.ts'
import type { ResolvedSyntheticOptions } from './synthetic-options.ts'
import type { SyntheticRow } from './synthetic-row.ts'

export const ITEM_HEADER: string =
  '"Código Órgão";"Nome Órgão";"Código UG";"Nome UG";"Número Contrato";"Código Item Compra";"Descrição Item Compra";' +
  '"Descrição Complementar Item Compra";"Quantidade Item";"Valor Item"'
const ITEMS_PER_DESCRIPTION = 25
/** Of another sequence than the contracts, whose places must not depend on the items. */
const SEED_OF_ITEMS = 0x5eed
const GOLDEN = (Math.sqrt(5) - 1) / 2

export interface SyntheticItem {
  readonly contract: SyntheticRow
  /** Counts the items from 0. */
  readonly serial: number
  readonly description: string
  readonly quantity: number
  readonly unitPrice: Money
}

export interface DearItems {
  readonly rows: ReadonlySet<number>
  readonly key: readonly PlantedAnomaly[]
}

/** Spreads the dear items evenly over the descriptions, so that they stay the exception in each. */
export function planDearItems({ seed, items, plantedAnomalies }: ResolvedSyntheticOptions, file: string): DearItems {
  const random = new SeededRandom(seed ^ SEED_OF_ITEMS)
  const descriptions = descriptionsOf(items)
  const rows = new Set<number>()
  while (rows.size < plantedAnomalies['price-outlier']) {
    const description = rows.size % descriptions
    const rowsOfDescription = Math.ceil((items - description) / descriptions)
    rows.add(description + random.below(rowsOfDescription) * descriptions)
  }
  const key = [...rows].sort((left, right) => left - right)
  return { rows, key: key.map((row) => ({ rule: 'price-outlier', file, unit: null, lines: [lineOf(row)] })) }
}

export interface ItemFactoryOptions {
  readonly seed: number
  readonly contracts: number
  readonly items: number
  readonly rowAt: (index: number) => SyntheticRow
  readonly dear: ReadonlySet<number>
}

/** Items whose prices stay within a fifth of what is usual for their description, but for the dear ones. */
export class ItemFactory {
  readonly #options: ItemFactoryOptions
  readonly #descriptions: number

  constructor(options: ItemFactoryOptions) {
    this.#options = options
    this.#descriptions = descriptionsOf(options.items)
  }

  at(index: number): SyntheticItem {
    const { seed, contracts, rowAt, dear } = this.#options
    const description = index % this.#descriptions
    const deviation = 0.8 + 0.4 * (((seed + index) * GOLDEN) % 1)
    const cents = Math.round((description + 1) * 1_250 * deviation * (dear.has(index) ? DEAR : 1))
    return {
      contract: rowAt(index % contracts),
      serial: index,
      description: `ITEM SINTÉTICO ${String(description + 1).padStart(3, '0')}`,
      quantity: 2 + (index % 40),
      unitPrice: ((reais(1) / 100n) * BigInt(cents)) as Money,
    }
  }
}

/** How many times the usual price a dear item costs, before its own deviation. */
const DEAR = 6

export function toItemLine({ contract, serial, description, quantity, unitPrice }: SyntheticItem): string {
  const [organCode, organName] = contract.superiorOrgan
  const [unitCode, unitName] = contract.unit
  const fields = [
    organCode,
    organName,
    unitCode,
    unitName,
    contract.number,
    `${unitCode}05${contract.number}${String(serial % 100_000).padStart(5, '0')}`,
    description,
    'undefined',
    String(quantity),
    `${unitPrice / reais(1)},${String((unitPrice % reais(1)) / (reais(1) / 100n)).padStart(2, '0')}`,
  ]
  return `"${fields.join('";"')}"\n`
}

function descriptionsOf(items: number): number {
  return Math.max(1, Math.floor(items / ITEMS_PER_DESCRIPTION))
}
