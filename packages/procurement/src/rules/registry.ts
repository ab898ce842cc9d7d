import type { ContractFacts } from '../contracts/contract.ts'
import { ProcurementOptionError } from '../errors.ts'
import type { RuleId } from '../findings/finding.ts'
import { amendmentGrowth, type AmendmentGrowthOptions } from './amendment-growth.ts'
import { benfordFirst, type BenfordFirstOptions } from './benford/benford-first.ts'
import { benfordFirstTwo, type BenfordFirstTwoOptions } from './benford/benford-first-two.ts'
import { calendar, type CalendarOptions } from './calendar.ts'
import { duplicateContract, type DuplicateContractOptions } from './duplicate-contract.ts'
import { invalidIdentifier, type InvalidIdentifierOptions } from './invalid-identifier.ts'
import { latePublication, type LatePublicationOptions } from './late-publication.ts'
import { roundValue, type RoundValueOptions } from './round-value.ts'
import { priceOutlier } from './prices/price-outlier.ts'
import type { RuleDescription, RuleRun } from './rule.ts'
import { thresholdSplitting, type ThresholdSplittingOptions } from './splitting/threshold-splitting.ts'
import { supplierConcentration, type SupplierConcentrationOptions } from './supplier-concentration.ts'

/** Options of the rules over contracts, by rule. A rule that is not named runs with its defaults. */
export interface ContractRuleOptions {
  readonly 'benford-first'?: BenfordFirstOptions
  readonly 'benford-first-two'?: BenfordFirstTwoOptions
  readonly 'supplier-concentration'?: SupplierConcentrationOptions
  readonly 'duplicate-contract'?: DuplicateContractOptions
  readonly 'amendment-growth'?: AmendmentGrowthOptions
  readonly 'late-publication'?: LatePublicationOptions
  readonly 'round-value'?: RoundValueOptions
  readonly calendar?: CalendarOptions
  readonly 'invalid-identifier'?: InvalidIdentifierOptions
  readonly 'threshold-splitting'?: ThresholdSplittingOptions
}

export type ContractRuleId = keyof ContractRuleOptions

type Starters = {
  readonly [Id in ContractRuleId]-?: RuleDescription<Id> & { readonly start: (options?: ContractRuleOptions[Id]) => RuleRun<ContractFacts> }
}

const CONTRACT_RULES: Starters = {
  'benford-first': benfordFirst,
  'benford-first-two': benfordFirstTwo,
  'supplier-concentration': supplierConcentration,
  'duplicate-contract': duplicateContract,
  'amendment-growth': amendmentGrowth,
  'late-publication': latePublication,
  'round-value': roundValue,
  calendar,
  'invalid-identifier': invalidIdentifier,
  'threshold-splitting': thresholdSplitting,
}

/** What rules are run over. */
export const RULE_INPUTS = ['contracts', 'items'] as const
export type RuleInput = (typeof RULE_INPUTS)[number]

/** A rule as it is offered, ready to be made an agent of. */
export interface RegisteredRule extends RuleDescription {
  readonly reads: RuleInput
}

/** Every rule there is, in the order in which findings are given. */
export function allRules(): readonly RegisteredRule[] {
  return [...Object.values(CONTRACT_RULES).map((rule) => register(rule, 'contracts')), register(priceOutlier, 'items')]
}

function register({ id, version, title, description }: RuleDescription, reads: RuleInput): RegisteredRule {
  return { id, version, title, description, reads }
}

export function isContractRuleId(id: string): id is ContractRuleId {
  return Object.hasOwn(CONTRACT_RULES, id)
}

/** Starts one rule over contracts. */
export function startContractRule<Id extends ContractRuleId>(id: Id, options?: ContractRuleOptions[Id]): RuleRun<ContractFacts> {
  return CONTRACT_RULES[id].start(options)
}

export interface ContractRuleSelection {
  /** Which rules to run. @default all */
  readonly only?: readonly RuleId[]
  readonly options?: ContractRuleOptions
}

/** Starts several rules, in the order of the registry whatever the order of `only`. */
export function startContractRules({ only, options = {} }: ContractRuleSelection = {}): readonly RuleRun<ContractFacts>[] {
  // Names may come from outside the type system: a plan, a command line.
  const names: readonly string[] = only ?? []
  const unknown = names.find((id) => !isContractRuleId(id))
  if (unknown !== undefined)
    throw new ProcurementOptionError(`only must name rules over contracts, got "${unknown}"`, { facts: { rule: unknown } })
  const wanted = Object.keys(CONTRACT_RULES)
    .filter(isContractRuleId)
    .filter((id) => only?.includes(id) ?? true)
  return wanted.map((id) => startContractRule(id, options[id]))
}
