import type { z } from 'zod'
import type { InvestigationRequest, Planned, Planner } from './planner.ts'
import type { planSchema } from './plan.ts'
import { understandQuestion, type OrganDirectory, type Question } from './question.ts'

type PlanDraft = z.input<typeof planSchema>
type StepDraft = PlanDraft['steps'][number]

/** An agent that runs one family of rules over the contracts of a source. */
export interface RuleFamilyAgent {
  /** Also the id of its step. */
  readonly name: string
}

/** Plans by fixed templates: the same question always gives the same plan. */
export class TemplatePlanner implements Planner {
  readonly #organs: OrganDirectory
  readonly #families: readonly RuleFamilyAgent[]

  constructor(options: { readonly organs: OrganDirectory; readonly families: readonly RuleFamilyAgent[] }) {
    this.#organs = options.organs
    this.#families = options.families
  }

  async plan(request: InvestigationRequest): Promise<Planned> {
    const question = understandQuestion(request.query, this.#organs)
    return { question, plan: this.#contractsPlan(question, request.source) }
  }

  /**
   * Fingerprint the source first: its hash is an input of all later steps, so their results can be remembered, and a
   * source that changes meanwhile is noticed. Then the summary and each family of rules side by side; last the report,
   * which names the families that are missing.
   */
  #contractsPlan(question: Question, source: string): PlanDraft {
    const inputs: StepDraft['inputs'] = {
      source: { value: source },
      tables: { from: 'source', path: ['tables'] },
      filter: { value: toFilter(question) },
    }
    const analysis = (agent: string): StepDraft => ({ id: agent, agent, inputs, dependsOn: ['source'] })
    const families = this.#families.map(({ name }) => name).filter((name) => isWanted(question, name))
    const outputs = Object.fromEntries(families.map((family) => [family, { from: family }]))
    return {
      version: 1,
      madeBy: `template:${question.kind}`,
      onStepFailure: 'complete_with_gaps',
      steps: [
        { id: 'source', agent: 'source-fingerprint', inputs: { source: { value: source } }, dependsOn: [], essential: true },
        { ...analysis('contract-summary'), essential: true },
        ...families.map(analysis),
        { id: 'cross-check', agent: 'cross-checker', inputs: outputs, dependsOn: families, onUpstream: 'all_done' },
        {
          id: 'report',
          agent: 'reporter',
          inputs: {
            source: { from: 'source' },
            summary: { from: 'contract-summary' },
            planned: { value: families },
            crossCheck: { from: 'cross-check' },
            ...outputs,
          },
          dependsOn: ['source', 'contract-summary', ...families, 'cross-check'],
          onUpstream: 'all_done',
          essential: true,
        },
      ],
    }
  }
}

/** Questions about one thing are answered by its family alone; the others by all. */
function isWanted({ kind }: Question, family: string): boolean {
  return kind === 'contracts' || kind === family
}

function toFilter({ organs, year, supplierCnpj }: Question): Readonly<Record<string, string | string[] | number>> {
  return {
    ...(organs.length === 0 ? {} : { superiorOrganCodes: organs.map(({ code }) => code) }),
    ...(year === undefined ? {} : { publicationYear: year }),
    ...(supplierCnpj === undefined ? {} : { supplierCnpj }),
  }
}
