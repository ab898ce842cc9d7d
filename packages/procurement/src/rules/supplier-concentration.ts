import { factsOf, type ContractFacts, type Supplier } from '../contracts/contract.ts'
import { ProcurementOptionError, requireInteger } from '../errors.ts'
import { toSupplierReference, type BuyerRecord } from '../findings/finding-record.ts'
import { numberText } from '../findings/number-text.ts'
import { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { formatMoney, ratioOf, type Money } from '../values/money.ts'
import { isIdentified } from '../contracts/supplier.ts'
import {
  listed,
  outcomeOf,
  resolveMaxRecords,
  toFinding,
  type RuleDefinition,
  type RuleDescription,
  type RuleOptions,
  type RuleRun,
} from './rule.ts'

export interface SupplierConcentrationOptions extends RuleOptions {
  /** Fewest contracts of a unit to judge it. @default 10 */
  readonly minimumContracts?: number
  /** Index above which concentration is high, 0 to 10,000. @default 2_500 */
  readonly high?: number
  /** Index above which it is very high. @default 5_000 */
  readonly veryHigh?: number
}

const DEFAULTS = { minimumContracts: 10, high: 2_500, veryHigh: 5_000 }
const WHOLE = 10_000n

const DESCRIPTION: RuleDescription<'supplier-concentration'> = {
  id: 'supplier-concentration',
  version: '1.0.0',
  title: { en: 'Concentration of suppliers by buying unit', pt: 'Concentração de fornecedores por unidade compradora' },
  description: {
    en: 'Herfindahl–Hirschman index of the value that each buying unit contracts with its suppliers.',
    pt: 'Índice de Herfindahl–Hirschman do valor que cada unidade compradora contrata com seus fornecedores.',
  },
}

const BENIGN: readonly LocalizedText[] = [
  {
    en: 'one large work, lease or continuing service outweighs many small purchases of the same unit',
    pt: 'uma obra, locação ou serviço contínuo de grande valor supera muitas compras pequenas da mesma unidade',
  },
  {
    en: 'public utilities and sole makers have no competitor',
    pt: 'concessionárias de serviço público e fabricantes exclusivos não têm concorrente',
  },
  {
    en: 'family-farming school meals go to few cooperatives (Lei 11.947)',
    pt: 'a merenda da agricultura familiar vai a poucas cooperativas (Lei 11.947)',
  },
]

export const supplierConcentration: RuleDefinition<'supplier-concentration', SupplierConcentrationOptions> = {
  ...DESCRIPTION,
  start: createSupplierConcentration,
}

interface Buyer {
  readonly first: ContractFacts
  readonly suppliers: Map<string, { readonly supplier: Supplier; value: bigint }>
  contracts: number
  value: bigint
}

interface Limits extends Required<SupplierConcentrationOptions> {
  readonly maxRecords: number
}

/** Contracts whose supplier is hidden are left out, since nobody knows whether two of them have the same one. */
export function createSupplierConcentration(options: SupplierConcentrationOptions = {}): RuleRun<ContractFacts> {
  const limits = resolveLimits(options)
  const buyers = new Map<string, Buyer>()
  let leftOut = 0
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      if (contract.initialValue <= 0n || !isIdentified(contract.supplier)) leftOut++
      else addToBuyer(buyers, contract)
    },
    finish: () => [conclude(buyers, limits, leftOut)],
  }
}

function resolveLimits(options: SupplierConcentrationOptions): Limits {
  const minimumContracts = requireInteger('minimumContracts', options.minimumContracts ?? DEFAULTS.minimumContracts, 1)
  const high = requireInteger('high', options.high ?? DEFAULTS.high, 0)
  const veryHigh = requireInteger('veryHigh', options.veryHigh ?? DEFAULTS.veryHigh, 0)
  if (veryHigh < high) throw new ProcurementOptionError(`veryHigh must not be below high (${high}), got ${veryHigh}`)
  return { minimumContracts, high, veryHigh, maxRecords: resolveMaxRecords(options) }
}

function addToBuyer(buyers: Map<string, Buyer>, contract: ContractFacts): void {
  const { unit, supplier, initialValue } = contract
  const buyer: Buyer = buyers.get(unit.code) ?? { first: factsOf(contract), suppliers: new Map(), contracts: 0, value: 0n }
  buyers.set(unit.code, buyer)
  buyer.contracts++
  buyer.value += initialValue
  const share = buyer.suppliers.get(supplier.code)
  if (share === undefined) buyer.suppliers.set(supplier.code, { supplier, value: initialValue })
  else share.value += initialValue
}

function conclude(buyers: ReadonlyMap<string, Buyer>, limits: Limits, leftOut: number): ReturnType<typeof toFinding> {
  const judged = [...buyers.values()].filter((buyer) => buyer.contracts >= limits.minimumContracts)
  const list = new TopList<BuyerRecord>(limits.maxRecords)
  let veryHigh = 0
  for (const buyer of judged) {
    const level = levelOf(buyer, limits)
    if (level === 'unremarkable') continue
    if (level === 'very-high') veryHigh++
    list.add([indexOf(buyer), buyer.value], buyer.first, () => toBuyerRecord(buyer, level))
  }
  const { minimumContracts, high } = limits
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(judged.length, list.total),
    severity: veryHigh > 0 ? 'medium' : list.total > 0 ? 'low' : 'info',
    population: populationOf(judged.length, minimumContracts),
    threshold: { minimumContracts, high, veryHigh: limits.veryHigh },
    statistics: {
      unitsExamined: judged.length,
      unitsAboveHigh: list.total,
      unitsAboveVeryHigh: veryHigh,
      unitsWithFewerContracts: buyers.size - judged.length,
      contractsLeftOut: leftOut,
    },
    records: listed(list),
    explanation: explain(judged.length, { high: list.total, veryHigh, limits }),
    benignExplanations: BENIGN,
  })
}

function populationOf(n: number, minimum: number): { readonly n: number; readonly description: LocalizedText } {
  return {
    n,
    description: {
      en: `buying units with at least ${minimum} contracts of positive value and known supplier`,
      pt: `unidades compradoras com ao menos ${minimum} contratos de valor positivo e fornecedor conhecido`,
    },
  }
}

function squares(buyer: Buyer): bigint {
  let sum = 0n
  for (const { value } of buyer.suppliers.values()) sum += value * value
  return sum
}

/** Compared on integers, so that a unit exactly at the limit is not above it by rounding. */
function levelOf(buyer: Buyer, { high, veryHigh }: Limits): 'very-high' | 'high' | 'unremarkable' {
  const index = squares(buyer) * WHOLE
  const whole = buyer.value * buyer.value
  if (index > BigInt(veryHigh) * whole) return 'very-high'
  return index > BigInt(high) * whole ? 'high' : 'unremarkable'
}

function indexOf(buyer: Buyer): number {
  return ratioOf(squares(buyer) * WHOLE, buyer.value * buyer.value, 4)
}

function toBuyerRecord(buyer: Buyer, level: 'very-high' | 'high'): BuyerRecord {
  const { superiorOrgan, organ, unit } = buyer.first
  const [largest] = [...buyer.suppliers.values()].sort((left, right) =>
    left.value === right.value ? (left.supplier.code < right.supplier.code ? -1 : 1) : left.value > right.value ? -1 : 1,
  )
  const facts = {
    hhi: indexOf(buyer),
    level,
    contracts: buyer.contracts,
    suppliers: buyer.suppliers.size,
    largestSupplier:
      largest === undefined ? null : { ...toSupplierReference(largest.supplier), share: ratioOf(largest.value, buyer.value) },
  }
  return { kind: 'buyer', key: unit.code, superiorOrgan, organ, unit, value: formatMoney(buyer.value as Money), facts }
}

function explain(units: number, found: { readonly high: number; readonly veryHigh: number; readonly limits: Limits }): LocalizedText {
  const { high, veryHigh, limits } = found
  if (units === 0) {
    return {
      en: `No buying unit has ${limits.minimumContracts} contracts with known suppliers: too few to speak of concentration.`,
      pt: `Nenhuma unidade tem ${limits.minimumContracts} contratos com fornecedores conhecidos: poucos para falar em concentração.`,
    }
  }
  return {
    en: `Of ${numberText(units, 'en')} buying units, ${numberText(high, 'en')} have an index above ${numberText(limits.high, 'en')} and ${numberText(veryHigh, 'en')} of these above ${numberText(limits.veryHigh, 'en')}. A high index is an indication of little competition, no more.`,
    pt: `De ${numberText(units, 'pt')} unidades compradoras, ${numberText(high, 'pt')} têm índice acima de ${numberText(limits.high, 'pt')} e ${numberText(veryHigh, 'pt')} destas acima de ${numberText(limits.veryHigh, 'pt')}. Um índice alto é indício de pouca concorrência, nada mais.`,
  }
}
