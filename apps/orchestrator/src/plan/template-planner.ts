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
      sha256: { from: 'source', path: ['sha256'] },
      filter: { value: toFilter(question) },
    }
    const analysis = (agent: string): StepDraft => ({ id: agent, agent, inputs, dependsOn: ['source'] })
    const families = this.#families.map(({ name }) => name)
    return {
      version: 1,
      madeBy: 'template:contracts',
      onStepFailure: 'complete_with_gaps',
      steps: [
        { id: 'source', agent: 'source-fingerprint', inputs: { source: { value: source } }, dependsOn: [], essential: true },
        { ...analysis('contract-summary'), essential: true },
        ...families.map(analysis),
        {
          id: 'report',
          agent: 'reporter',
          inputs: {
            source: { from: 'source' },
            summary: { from: 'contract-summary' },
            ...Object.fromEntries(families.map((family) => [family, { from: family }])),
          },
          dependsOn: ['source', 'contract-summary', ...families],
          onUpstream: 'all_done',
          essential: true,
        },
      ],
    }
  }
}

function toFilter({ organs, year }: Question): Readonly<Record<string, string[] | number>> {
  return {
    ...(organs.length === 0 ? {} : { superiorOrganCodes: organs.map(({ code }) => code) }),
    ...(year === undefined ? {} : { publicationYear: year }),
  }
}
