import type { ContractFacts } from '../contracts/contract.ts'
import type { FindingValues, RuleId, Severity } from '../findings/finding.ts'
import { toContractRecord, type ContractRecord } from '../findings/finding-record.ts'
import { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { listed, outcomeOf, resolveMaxRecords, toFinding, type RuleDefinition, type RuleDescription, type RuleOptions } from './rule.ts'

/** What a rule counts while it looks at contracts. */
export interface ListingCounts {
  /** Contracts that the rule could judge. */
  population: number
}

/** Why a contract is listed, and how far in front. */
export interface Remark {
  readonly rank: readonly (number | bigint)[]
  readonly facts: FindingValues
}

export interface ListingConclusion {
  /** Of a finding that lists something; `info` otherwise. */
  readonly severity: Severity
  readonly threshold: FindingValues
  readonly statistics: FindingValues
  readonly explanation: LocalizedText
}

/** A rule that judges contracts one by one: what all such rules do alike is done by `defineListingRule`. */
export interface ListingRule<
  Id extends RuleId,
  Options extends RuleOptions,
  Settings,
  Counts extends ListingCounts,
> extends RuleDescription<Id> {
  readonly population: LocalizedText
  readonly benignExplanations: readonly LocalizedText[]
  readonly counts: Readonly<Counts>
  /** Validates; throws `ProcurementOptionError`. */
  readonly resolve: (options: Options) => Settings
  /** Judges one contract, counts it, and tells whether it is remarked. */
  readonly look: (contract: ContractFacts, context: { readonly settings: Settings; readonly counts: Counts }) => Remark | undefined
  readonly conclude: (result: { readonly settings: Settings; readonly counts: Counts; readonly found: number }) => ListingConclusion
}

export function defineListingRule<Id extends RuleId, Options extends RuleOptions, Settings, Counts extends ListingCounts>(
  spec: ListingRule<Id, Options, Settings, Counts>,
): RuleDefinition<Id, Options> {
  const { id, version, title, description } = spec
  const rule: RuleDescription<Id> = { id, version, title, description }
  return {
    ...rule,
    start: (options = {} as Options) => {
      const settings = spec.resolve(options)
      const list = new TopList<ContractRecord>(resolveMaxRecords(options))
      const counts = { ...spec.counts }
      return {
        rule,
        add: (contract) => {
          const remark = spec.look(contract, { settings, counts })
          if (remark !== undefined) list.add(remark.rank, contract, () => toContractRecord(contract, remark.facts))
        },
        finish: () => {
          const found = list.total
          const conclusion = spec.conclude({ settings, counts, found })
          return [
            toFinding(rule, {
              ...conclusion,
              outcome: outcomeOf(counts.population, found),
              severity: found > 0 ? conclusion.severity : 'info',
              population: { n: counts.population, description: spec.population },
              records: listed(list),
              benignExplanations: spec.benignExplanations,
            }),
          ]
        },
      }
    },
  }
}
