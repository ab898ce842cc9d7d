import { findSuperiorOrgans, SUPERIOR_ORGANS } from '@cidadao/procurement'
import { describe, expect, it } from 'vitest'
import { RULE_FAMILIES, RULE_FAMILY_NAMES } from '../src/agents/agent-contracts.ts'
import { orchestratorAgents } from '../src/agents/agents.ts'
import { resolveInputs } from '../src/engine/step-inputs.ts'
import { planJsonSchema, validatePlan } from '../src/plan/validate-plan.ts'
import { TemplatePlanner } from '../src/plan/template-planner.ts'

const organs = { find: findSuperiorOrgans, all: SUPERIOR_ORGANS }
const planner = new TemplatePlanner({ organs, families: RULE_FAMILY_NAMES.map((name) => ({ name })) })
const AGENTS = new Set(orchestratorAgents().map(({ name }) => name))
const HEALTH = { query: 'Analyze Ministry of Health contracts 2024', source: '/data' }

describe('the template planner', () => {
  it.each([HEALTH.query, 'Analise os contratos do Ministério da Saúde em 2024', 'All contracts', 'contracts of 1998'])(
    'makes a plan that is valid for the agents there are: %s',
    async (query) => {
      const { plan } = await planner.plan({ query, source: '/data' })
      expect(() => validatePlan(plan, AGENTS)).not.toThrow()
    },
  )

  it('gives the same question the same plan, in whichever language', async () => {
    const { plan } = await planner.plan(HEALTH)
    expect((await planner.plan(HEALTH)).plan).toEqual(plan)
    expect((await planner.plan({ ...HEALTH, query: 'Analise os contratos do Ministério da Saúde em 2024' })).plan).toEqual(plan)
  })

  it('puts the filter of the question and the hash of the source into every analysis', async () => {
    const plan = validatePlan((await planner.plan(HEALTH)).plan, AGENTS)
    const results = new Map([['source', { tables: { 'portal-contracts': 'abc' } }]])
    for (const step of plan.steps.filter(({ dependsOn }) => dependsOn.length === 1 && dependsOn[0] === 'source')) {
      if (step.kind !== 'agent') expect.unreachable()
      expect(resolveInputs(step, results)).toEqual({
        source: '/data',
        tables: { 'portal-contracts': 'abc' },
        filter: { superiorOrganCodes: ['36000'], publicationYear: 2024 },
      })
    }
    expect(plan.steps.at(-1)).toMatchObject({ id: 'report', onUpstream: 'all_done', essential: true })
  })

  it.each([
    ['prices of items', ['source', 'contract-summary', 'prices', 'cross-check', 'report']],
    ['fracionamento de compras', ['source', 'contract-summary', 'splitting', 'cross-check', 'report']],
  ])('plans only what answers "%s"', async (query, steps) => {
    const plan = validatePlan((await planner.plan({ query, source: '/data' })).plan, AGENTS)
    expect(plan.steps.map(({ id }) => id)).toEqual(steps)
  })

  it('has an agent for every rule, each in one family', () => {
    const rules = Object.values(RULE_FAMILIES).flat()
    expect(new Set(rules).size).toBe(rules.length)
    expect(rules).toHaveLength(11)
  })

  it('takes a year of the last century for what it is, instead of answering about all years', async () => {
    const { question } = await planner.plan({ query: 'contracts of 1998', source: '/data' })
    expect(question.year).toBe(1998)
  })
})

describe('a plan from anybody', () => {
  it('is not said to wait in a circle for a step that does not exist', () => {
    const plan = {
      version: 1,
      madeBy: 'x',
      onStepFailure: 'fail',
      steps: [{ id: 'a', agent: 'reporter', inputs: {}, dependsOn: ['ghost'] }],
    }
    expect(() => validatePlan(plan, AGENTS)).toThrow(expect.objectContaining({ problems: [expect.stringContaining('depends on "ghost"')] }))
  })

  it('has its form described for planners that are not ours', () => {
    expect(planJsonSchema()).toMatchObject({ type: 'object', required: expect.arrayContaining(['steps', 'onStepFailure']) as string[] })
  })
})
