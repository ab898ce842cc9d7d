import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  analyzePortal,
  analyzePortalItems,
  crossCheck,
  generateSyntheticPortal,
  renderReport,
  writeSyntheticPortal,
  type Finding,
  type PlantedAnomaly,
} from '@cidadao/procurement'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RULE_FAMILIES, RULE_FAMILY_NAMES, type InvestigationReport } from '../src/agents/agent-contracts.ts'
import type { InvestigationView } from '../src/api/api-ports.ts'
import { decide, evolve, initialState, type RunCommand, type RunEvent } from '../src/engine/decide.ts'
import type { House } from '../src/compose.ts'
import { sharedUrl } from './support/test-database.ts'
import { buildHouse } from './support/test-house.ts'

const ENGLISH = 'Analyze Ministry of Health contracts 2024'
const PORTUGUESE = 'Analise os contratos do Ministério da Saúde em 2024'
const HEALTH_2024 = { superiorOrganCodes: ['36000'], publicationYear: 2024 }

const DATA = resolve(process.env.TEST_DATA_DIR ?? resolve(import.meta.dirname, '../../../../shared/data'), 'portal-202401')
const WITHOUT_DATA = !existsSync(DATA)
const WHY = WITHOUT_DATA ? ' [SKIPPED: no portal-202401; set TEST_DATA_DIR to the folder that holds it]' : ''

let house: House
let folder: string
let key: readonly PlantedAnomaly[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-investigation-'))
  key = (await writeSyntheticPortal(folder, { seed: 7, contracts: 1_500 })).key
  house = (await buildHouse({ DATABASE_URL: await sharedUrl() })).house
  await house.start()
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  readonly view: InvestigationView
  readonly report: InvestigationReport
}

async function ask(query: string, source: string): Promise<Answer> {
  const { id } = await house.orchestrator.submit({ query, source })
  await house.engine.settled(id)
  const view = await house.orchestrator.get(id)
  return { view, report: view.results as unknown as InvestigationReport }
}

/** What the package finds by itself, in the order of the families. */
async function direct(source: string, filter: Parameters<typeof analyzePortal>[1] & object): Promise<unknown[]> {
  const ofContracts = await analyzePortal(source, filter)
  const findings = [
    ...ofContracts.findings,
    ...(source === DATA ? (await analyzePortalItems(source, { filter: filter.filter ?? {} })).findings : []),
  ]
  const wanted: readonly string[] = RULE_FAMILY_NAMES.flatMap((family) => RULE_FAMILIES[family])
  return wanted.flatMap((rule) => findings.find((finding) => finding.rule === rule) ?? [])
}

function withoutProvenance(findings: InvestigationReport['findings']): Finding[] {
  return findings.map(({ provenance, ...finding }) => {
    expect(provenance.inputSha256).toMatch(/^[0-9a-f]{64}$/)
    return finding
  })
}

describe.skipIf(WITHOUT_DATA)(`the Ministry of Health in the real month${WHY}`, () => {
  it('has 419 contracts of R$ 9,222,273,688.82, and each finding is that of the direct computation', async () => {
    const { view, report } = await ask(ENGLISH, DATA)
    expect(view).toMatchObject({ status: 'completed', error: null })
    expect(report.summary).toMatchObject({ contracts: 419, totalInitialValue: '9222273688.82', rejectedRows: 0 })
    expect(report.missing).toEqual([])
    expect(withoutProvenance(report.findings)).toEqual(await direct(DATA, { filter: HEALTH_2024 }))
  })

  it('is the same when asked in Portuguese, and then comes from memory', async () => {
    const { view, report } = await ask(PORTUGUESE, DATA)
    expect(report).toEqual((await ask(ENGLISH, DATA)).report)
    expect(view.query).toBe(PORTUGUESE)
    const remembered = (await house.db.runs.listEvents(view.id)).filter(({ data }) => data.remembered === true)
    expect(remembered.map(({ data }) => data.step)).toContain('report')
  })
})

describe.skipIf(WITHOUT_DATA)(`every rule over the real month${WHY}`, () => {
  it('gives the known numbers through the house, each finding with what it was computed from', async () => {
    const { view, report } = await ask('Analise todos os contratos', DATA)
    expect(view.status).toBe('completed')
    const statistics = (rule: string): unknown => report.findings.find((finding) => finding.rule === rule)?.statistics
    expect(report.summary.contracts).toBe(3_810)
    expect(statistics('benford-first')).toMatchObject({ chiSquare: expect.closeTo(58.9, 2) as number })
    expect(statistics('benford-first-two')).toMatchObject({ chiSquare: expect.closeTo(323.1, 1) as number })
    expect(statistics('duplicate-contract')).toMatchObject({ contracts: 39, groups: 19, contractsWhateverTheDate: 59 })
    expect(statistics('calendar')).toMatchObject({ saturday: 110, sunday: 19, holidayOnWeekday: 36 })
    expect(statistics('round-value')).toMatchObject({ multiplesOf1000: 694, multiplesOf10000: 360, multiplesOf100000: 149 })
    expect(statistics('amendment-growth')).toMatchObject({ aboveThreshold: 37, aboveOneAndAHalf: 12 })
    expect(statistics('late-publication')).toMatchObject({ late: 427 })
    expect(statistics('supplier-concentration')).toMatchObject({ unitsAboveHigh: 48, unitsAboveVeryHigh: 20 })
    expect(statistics('price-outlier')).toMatchObject({ dear: 276, dearOrCheap: 471 })
    expect(statistics('threshold-splitting')).toMatchObject({ justBelow: 7, justAbove: 10 })
    const hashes = new Map((await house.db.runs.listSteps(view.id)).map(({ agent, inputHash }) => [agent, inputHash]))
    for (const { provenance } of report.findings) expect(provenance.inputSha256).toBe(hashes.get(provenance.agent))
    expect(report.crossCheck).toEqual(crossCheck(withoutProvenance(report.findings), { maxCases: 200 }))
    expect(renderReport(report, { format: 'html', language: 'pt' })).toContain('<svg')
  })

  it('judges the prices of one ministry against those of all buyers', async () => {
    const { report } = await ask('Prices of the Ministry of Health', DATA)
    const [prices, ...others] = report.findings
    expect(others).toEqual([])
    expect(prices?.population.n).toBeLessThan(8_216)
    expect(prices?.population.n).toBeGreaterThan(0)
  })
})

const INSTITUTE = resolve(DATA, '../ifms')
describe.skipIf(!existsSync(INSTITUTE))('the files of a federal institute [skipped without ifms in TEST_DATA_DIR]', () => {
  it('give their numbers through the house; what they have no files for is named and no gap', async () => {
    const { view, report } = await ask('Analise todas as compras', INSTITUTE)
    expect(view.status).toBe('completed')
    expect(report.missing).toEqual([])
    expect(report.findings.map(({ rule }) => rule)).toEqual(['price-outlier', 'threshold-splitting'])
    expect(report.findings[1]?.statistics).toMatchObject({ byPurpose: { other: { justBelow: 79, justAbove: 16 } }, bunched: true })
    expect(report.summary.contracts).toBe(1_546)
    expect(report.withoutFiles).toEqual(['digits', 'concentration', 'amendments', 'paperwork'])
  })

  it('are not taken for those of a ministry: the steps fail and say why', async () => {
    const { view } = await ask('Analise as compras do Ministério da Saúde', INSTITUTE)
    expect(view.status).toBe('error')
    expect(view.steps?.find(({ id }) => id === 'contract-summary')?.error).toMatchObject({ code: 'PROCUREMENT_FILTER_UNSUPPORTED' })
  })
})

describe('a CPF in a question', () => {
  it('is masked in the answer, and reaches no table', async () => {
    const { view } = await ask('Analyze Ministry of Health contracts 2024 of Maria, CPF 111.444.777-35', folder)
    expect(view).toMatchObject({ status: 'completed', query: 'Analyze Ministry of Health contracts 2024 of Maria, CPF ***.444.777-**' })
    const { rows: tables } = await house.db.sql.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    expect(tables.length).toBeGreaterThan(10)
    const unmasked = '111[. ]?444[. ]?777[-. ]?35'
    for (const { name } of tables) {
      const { rows } = await house.db.sql.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t WHERE t::text ~ $1`, [unmasked])
      expect(rows, name).toEqual([])
    }
  })
})

describe('synthetic contracts', () => {
  it('give through the whole house what the rules give directly, and every planted anomaly', async () => {
    const { view, report } = await ask('All contracts of 2024', folder)
    expect(view.status).toBe('completed')
    expect(report.summary.contracts).toBe(1_500)
    expect(withoutProvenance(report.findings)).toEqual(await direct(folder, { filter: { publicationYear: 2024 } }))
    expect(view.anomaliesFound).toBe(report.findings.filter(({ severity }) => severity !== 'info').length)
    for (const { rule, unit, lines } of key) {
      const finding = report.findings.find((candidate) => candidate.rule === rule)
      const listed = JSON.stringify(finding?.records)
      if (unit === null) for (const line of lines) expect(listed).toContain(`"line":${line}`)
      else expect(listed).toContain(unit)
    }
  })

  it('of a source that changes between two steps end in an error that says so', async () => {
    const changing = await mkdtemp(join(tmpdir(), 'cidadao-changing-'))
    await writeSyntheticPortal(changing, { seed: 1, contracts: 100 })
    const { fileName, chunks } = generateSyntheticPortal({ seed: 2, contracts: 100 })
    // Told synchronously: the file is another one before the next step can begin.
    const off = house.engine.events.on('step-ended', ({ stepId }) => {
      if (stepId === 'source') writeFileSync(join(changing, fileName), Buffer.concat([...chunks()]))
    })
    try {
      const { id } = await house.orchestrator.submit({ query: 'All contracts', source: changing })
      await house.engine.settled(id)
      const view = await house.orchestrator.get(id)
      expect(view.status).toBe('error')
      expect(view.error).toContain('the source changed during the investigation')
      expect(view.steps?.find(({ id: step }) => step === 'contract-summary')?.error).toMatchObject({ code: 'ORCHESTRATOR_SOURCE_CHANGED' })
    } finally {
      off()
      await rm(changing, { recursive: true, force: true })
    }
  })

  it('that are not there are refused before anything is stored', async () => {
    const before = await house.orchestrator.list({ limit: 200 })
    await expect(ask('All contracts', join(folder, 'missing'))).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_NOT_FOUND' })
    await expect(ask('What is the weather?', folder)).rejects.toMatchObject({ code: 'ORCHESTRATOR_QUERY_NOT_UNDERSTOOD' })
    expect(await house.orchestrator.list({ limit: 200 })).toEqual(before)
  })
})

describe('the events of a stored run, replayed', () => {
  it('lead decide() to exactly what was done', async () => {
    const { view } = await ask(ENGLISH, folder)
    const plan = (await house.db.runs.getPlan(view.id))?.plan
    const events = await house.db.runs.listEvents(view.id, { limit: 1_000 })
    let state = initialState(plan as never)
    const commands: RunCommand[] = []
    for (const event of events.flatMap(({ type, data }) => toRunEvent(type, data.step as string))) {
      const decided = decide(state, event)
      expect(decide(state, event)).toEqual(decided)
      commands.push(...decided)
      state = evolve(state, event)
      for (const command of decided)
        if (command.type === 'start_step') state = evolve(state, { type: 'step_started', stepId: command.stepId })
    }
    const started = events.filter(({ type }) => type === 'step.started').map(({ data }) => data.step)
    expect(commands.flatMap((command) => (command.type === 'start_step' ? [command.stepId] : [])).sort()).toEqual([...started].sort())
    expect(commands.at(-1)).toEqual({ type: 'finish', outcome: { status: 'completed', gaps: [] } })
  })
})

function toRunEvent(type: string, stepId: string): RunEvent[] {
  if (type === 'investigation.started') return [{ type: 'submitted' }]
  const status = (['completed', 'failed', 'cancelled'] as const).find((candidate) => type === `step.${candidate}`)
  return status === undefined ? [] : [{ type: 'step_ended', stepId, status }]
}
