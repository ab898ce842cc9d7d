import { createHash } from 'node:crypto'
import type { AgentContract } from '@cidadao/agent-pool'
import { allRules, type CrossCheck, type Finding, type RuleId, type SupplierTotal } from '@cidadao/procurement'
import { z } from 'zod'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')
const path = z.string().min(1)

export const contractFilter = z.strictObject({
  superiorOrganCodes: z.array(z.string()).optional(),
  publicationYear: z.int().optional(),
  supplierCnpj: z.string().optional(),
  supplierName: z.string().optional(),
})

/** SHA-256 of each table of the source, by its name. */
const tables = z.record(z.string(), sha256)
const analysisInput = z.strictObject({ source: path, tables, filter: contractFilter })
/** Findings are made by the rules; only that they are a list of objects is checked on their way. */
const findings = z.array(z.looseObject({ rule: z.string(), version: z.string(), severity: z.string() }))

const fileDigest = z.strictObject({ name: z.string(), bytes: z.int(), sha256, rows: z.int(), rejectedRows: z.int() })

/** `can`: which kinds of analysis the tables of the source allow. The other families have nothing to look at. */
const sourceOutput = z.strictObject({
  sha256,
  tables,
  can: z.strictObject({ contracts: z.boolean(), splitting: z.boolean(), prices: z.boolean() }),
})
export type SourceAbility = keyof z.infer<typeof sourceOutput>['can']

const summaryOutput = z.strictObject({
  source: z.strictObject({ rows: z.int(), files: z.array(fileDigest).readonly() }),
  filter: contractFilter,
  contracts: z.int(),
  totalInitialValue: z.string(),
  totalFinalValue: z.string(),
  largestInitialValue: z.string().nullable(),
  rejectedRows: z.int(),
  rejects: z.looseObject({ total: z.int() }),
  topSuppliers: z.array(z.looseObject({ value: z.string() })),
})

const familyOutput = z.strictObject({ findings })

export type SummaryOutput = z.infer<typeof summaryOutput>
export type ContractFilterInput = z.infer<typeof contractFilter>

/** Which rules go together in one pass over the source, as one agent. Names are also the ids of their steps. */
export const RULE_FAMILIES = {
  digits: ['benford-first', 'benford-first-two', 'round-value'],
  prices: ['price-outlier'],
  splitting: ['threshold-splitting'],
  concentration: ['supplier-concentration'],
  amendments: ['amendment-growth'],
  paperwork: ['duplicate-contract', 'late-publication', 'calendar', 'invalid-identifier'],
} as const satisfies Readonly<Record<string, readonly RuleId[]>>
export type RuleFamily = keyof typeof RULE_FAMILIES

export const RULE_FAMILY_NAMES = Object.keys(RULE_FAMILIES) as readonly RuleFamily[]

/** What a source must have for a family to look at anything. */
export const FAMILY_NEEDS: Readonly<Record<RuleFamily, SourceAbility>> = {
  digits: 'contracts',
  prices: 'prices',
  splitting: 'splitting',
  concentration: 'contracts',
  amendments: 'contracts',
  paperwork: 'contracts',
}

const DESCRIPTIONS: Readonly<Record<RuleFamily, string>> = {
  digits: 'Compares the digits of contract values with what is usual, and counts round values.',
  prices: 'Compares unit prices of items of the same description.',
  splitting: 'Finds direct purchases that stay below the legal limit one by one and reach it together.',
  concentration: 'Measures how few suppliers a buying unit depends on.',
  amendments: 'Finds contracts whose value grew beyond the legal limit.',
  paperwork: 'Finds duplicate contracts, late publication, signatures on days off and impossible identifiers.',
}

export const sourceFingerprintContract = {
  name: 'source-fingerprint',
  version: '2',
  description: 'Finds out which tables the source holds and hashes them, so that later steps know what they read.',
  input: z.strictObject({ source: path }),
  output: sourceOutput,
} as const satisfies AgentContract

export const contractSummaryContract = {
  name: 'contract-summary',
  version: '2',
  description: 'Counts the contracts that are meant, sums their values exactly, and lists the rows that cannot be read.',
  input: analysisInput,
  output: summaryOutput,
  deterministic: true,
} as const satisfies AgentContract

const familyOutputs = Object.fromEntries(RULE_FAMILY_NAMES.map((family) => [family, familyOutput.optional()])) as Record<
  RuleFamily,
  z.ZodOptional<typeof familyOutput>
>
const crossCheckOutput = z.looseObject({ confidence: z.number().nullable() })

export const crossCheckerContract = {
  name: 'cross-checker',
  version: '1',
  description: 'Merges findings by record and says how strongly independent rules agree.',
  input: z.strictObject(familyOutputs),
  output: crossCheckOutput,
  deterministic: true,
} as const satisfies AgentContract

export const reporterContract = {
  name: 'reporter',
  version: '2',
  description: 'Puts summary and findings together and names what is missing.',
  input: z.strictObject({
    source: sourceOutput,
    summary: summaryOutput,
    planned: z.array(z.enum(RULE_FAMILY_NAMES)),
    crossCheck: crossCheckOutput.optional(),
    ...familyOutputs,
  }),
  output: z.looseObject({ findings }),
  deterministic: true,
} as const satisfies AgentContract

/** What an agent of a family of rules is; its version changes with that of any of its rules. */
export function familyContract<Name extends RuleFamily>(name: Name): FamilyContract<Name> {
  const versions = allRules()
    .filter(({ id }) => (RULE_FAMILIES[name] as readonly string[]).includes(id))
    .map(({ id, version }) => `${id}@${version}`)
  const version = createHash('sha256').update(versions.join(' ')).digest('hex').slice(0, 12)
  return { name, version: `2-${version}`, description: DESCRIPTIONS[name], input: analysisInput, output: familyOutput, deterministic: true }
}

export type FamilyContract<Name extends RuleFamily> = AgentContract<Name, typeof analysisInput, typeof familyOutput>

/** Where a finding comes from: enough to compute it again. */
export interface FindingProvenance {
  /** Of each table that was there, by its name. */
  readonly tables: Readonly<Record<string, string>>
  readonly agent: string
  readonly agentVersion: string
  /** SHA-256 of agent, version and inputs; the same as stands in the step's events and audit entries. */
  readonly inputSha256: string
}

/** The results of an investigation, as stored, shown and downloaded. */
export interface InvestigationReport {
  readonly source: { readonly sha256: string; readonly rows: number; readonly files: SummaryOutput['source']['files'] }
  readonly filter: ContractFilterInput
  readonly summary: {
    readonly contracts: number
    readonly totalInitialValue: string
    readonly totalFinalValue: string
    readonly largestInitialValue: string | null
    readonly rejectedRows: number
  }
  readonly rejects: SummaryOutput['rejects']
  /** One of each rule that ran, in the order of the families. */
  readonly findings: readonly (Finding & { readonly provenance: FindingProvenance })[]
  /** Records on which rules agree; absent where the step failed. */
  readonly crossCheck?: CrossCheck
  /** Of the contracts that are meant, the largest first. */
  readonly topSuppliers: readonly SupplierTotal[]
  /** Families of rules that failed: their findings are missing here. */
  readonly missing: readonly RuleFamily[]
  /** Families that had nothing to look at, since the source has no such files. */
  readonly withoutFiles: readonly RuleFamily[]
}
