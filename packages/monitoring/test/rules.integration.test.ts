import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { createMetrics } from '../src/metrics/create-metrics.ts'
import { createCatalogue } from '../src/catalogue/catalogue.ts'
import { createRuntimeMetrics } from '../src/metrics/runtime-metrics.ts'
import { dashboards } from '../src/dashboards/dashboards.ts'
import { deploymentFiles, ruleFile } from '../src/deployment/deployment-files.ts'
import { toYaml } from '../src/deployment/to-yaml.ts'
import { BURN_RATES, WINDOWS } from '../src/slo/burn-rates.ts'
import { OBJECTIVES } from '../src/slo/objectives.ts'
import { objectiveRuleTests } from '../src/slo/rule-tests.ts'
import { errorRatio, objectiveGroups, type Rule, type RuleGroup } from '../src/slo/rules.ts'
import { symptomGroup } from '../src/slo/symptom-rules.ts'

const promtool = spawnSync('promtool', ['--version']).status === 0
const WHERE = promtool ? '' : ' (skipped: no promtool on the PATH; Debian has it in the package prometheus)'
const DOCKER = fileURLToPath(new URL('../../../docker/', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'cidadao-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

let runs = 0

async function run(command: 'check' | 'test', groups: readonly RuleGroup[]): Promise<{ readonly ok: boolean; readonly text: string }> {
  const [rules, tests] = [`rules-${++runs}.yaml`, `tests-${runs}.yaml`]
  writeFileSync(join(folder, rules), ruleFile(groups))
  writeFileSync(join(folder, tests), toYaml(objectiveRuleTests([rules])))
  return new Promise((resolve) => {
    execFile('promtool', [command, 'rules', join(folder, command === 'check' ? rules : tests)], (error, stdout, stderr) => {
      resolve({ ok: error === null, text: stdout + stderr })
    })
  })
}

const mutate = (change: (rule: Rule) => string): RuleGroup[] =>
  objectiveGroups().map((group) => ({ ...group, rules: group.rules.map((rule) => ({ ...rule, expr: change(rule) })) }))
const alerts = (change: (expr: string) => string): RuleGroup[] => mutate((rule) => ('alert' in rule ? change(rule.expr) : rule.expr))
const records = (change: (expr: string) => string): RuleGroup[] => mutate((rule) => ('record' in rule ? change(rule.expr) : rule.expr))

/** Each with the objectives that must notice it. */
const EVENTS = OBJECTIVES.filter(({ indicator }) => indicator.kind === 'events').map(({ name }) => name)
const TIMES = OBJECTIVES.filter(({ indicator }) => indicator.kind === 'time').map(({ name }) => name)
const ALL = [...EVENTS, ...TIMES]
const MUTANTS: readonly (readonly [what: string, noticedBy: readonly string[], groups: () => RuleGroup[]])[] = [
  ['limits twice as high', ALL, () => alerts((expr) => expr.replace(/> ([\d.]+)/g, (_, limit) => `> ${Number(limit) * 2}`))],
  ['limits half as high', ALL, () => alerts((expr) => expr.replace(/> ([\d.]+)/g, (_, limit) => `> ${Number(limit) / 2}`))],
  ['limits compared the other way', ALL, () => alerts((expr) => expr.replaceAll(' > ', ' < '))],
  ['either window instead of both', ALL, () => alerts((expr) => expr.replace(' and ', ' or '))],
  ['the long window alone', ALL, () => alerts((expr) => expr.split(' and ')[0] ?? '')],
  ['the short window alone', ALL, () => alerts((expr) => expr.split(' and ')[1] ?? '')],
  ['all windows of five minutes', ALL, () => records((expr) => expr.replaceAll(/\[(?:30m|1h|2h|6h|1d|3d)(:1m)?\]/g, '[5m$1]'))],
  ['all windows of three days', ALL, () => records((expr) => expr.replaceAll(/\[(?:5m|30m|1h|2h|6h|1d)(:1m)?\]/g, '[3d$1]'))],
  // Each of these is about one kind of objective, so one run shows that each is noticed.
  [
    'what counts as bad changed: cancelled ones, probes, failures of callers, another bucket, another age',
    ALL,
    () =>
      records((expr) =>
        expr
          .replace('completed|error', 'completed|error|cancelled')
          .replaceAll(/,?http_route!~"[^"]*"/g, '')
          .replaceAll(/error_type=~"[^"]*"/g, 'error_type!=""')
          .replaceAll('le="0.1"', 'le="0.5"')
          .replaceAll(/> bool \d+/g, '> bool 1000'),
      ),
  ],
  ['answers of every kind counted as failures', ['api-availability'], () => records((expr) => expr.replaceAll('"5.."', '"[25].."'))],
]

describe.concurrent('the rules', () => {
  it.skipIf(!promtool)(`pass promtool check rules${WHERE}`, async () => {
    expect(await run('check', [...objectiveGroups(), symptomGroup()])).toMatchObject({ ok: true })
  })

  it.skipIf(!promtool)(
    `pass their unit tests${WHERE}`,
    async () => {
      expect(await run('test', objectiveGroups())).toMatchObject({ ok: true })
    },
    120_000,
  )

  it.skipIf(!promtool).each(MUTANTS)(
    `fail their unit tests with %s${WHERE}`,
    async (_what, noticedBy, groups) => {
      const { ok, text } = await run('test', groups())
      expect(ok).toBe(false)
      for (const objective of noticedBy) expect(differences(text), objective).toContain(objective)
    },
    120_000,
  )

  it('page and ticket at the factors of 30 days: 14.4, 6, 3 and 1, each with a short window', () => {
    expect(BURN_RATES.map(({ factor, long, short, severity }) => `${factor} ${long}/${short} ${severity}`)).toEqual([
      '14.4 1h/5m page',
      '6 6h/30m page',
      '3 1d/2h ticket',
      '1 3d/6h ticket',
    ])
  })

  it('end at a bound of the histogram that they read: 100 ms', async () => {
    const metrics = createMetrics()
    createCatalogue(metrics).db.operationDuration.observe(0.05, {
      db_system_name: 'postgresql',
      db_operation_name: 'x',
      db_query_summary: 'x',
      error_type: 'none',
    })
    expect((await metrics.expose()).body).toContain('db_client_operation_duration_seconds_bucket{le="0.1"')
  })
})

/** Objectives whose expected and received alerts are not the same in some test. */
function differences(text: string): string[] {
  const found = text.split(/\n {4}name: /).flatMap((test) => {
    return test.split(/\n {4}alertname: /).flatMap((alert) => {
      const [expected = '', received = ''] = alert.split('got:')
      const labels = (part: string): string[] => part.match(/Labels:\{[^}]*\}/g) ?? []
      const [one, other] = [labels(expected), labels(received)]
      return [...one.filter((label) => !other.includes(label)), ...other.filter((label) => !one.includes(label))]
    })
  })
  return [...new Set(found.map((label) => /slo="([^"]*)"/.exec(label)?.[1] ?? ''))]
}

describe('what is committed below docker/', () => {
  // The formatter has the last word on quotes and line breaks, so what is compared is the content.
  const plain = (text: string): string =>
    text
      .replaceAll(/["'\\]/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim()

  it.each([...deploymentFiles()])('is what the sources say: %s', (path, text) => {
    const committed = readFileSync(join(DOCKER, path), 'utf8')
    if (path.endsWith('.json')) expect(JSON.parse(committed)).toEqual(JSON.parse(text))
    else expect(plain(committed)).toBe(plain(text))
  })

  it.skipIf(!promtool)(
    `is a configuration that Prometheus takes, with rules and their tests${WHERE}`,
    () => {
      const complaintOf = (...args: string[]): string => {
        const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
        return status === 0 ? '' : `${stdout}${stderr}`
      }
      // The operator's key that it reads is there only where it is deployed.
      expect(complaintOf('check', 'config', '--syntax-only', join(DOCKER, 'prometheus/prometheus.yaml'))).toBe('')
      const rules = readdirSync(join(DOCKER, 'prometheus/rules')).map((file) => join(DOCKER, 'prometheus/rules', file))
      expect(complaintOf('check', 'rules', ...rules)).toBe('')
      expect(complaintOf('test', 'rules', join(DOCKER, 'prometheus/tests/objectives.yaml'))).toBe('')
    },
    120_000,
  )
})

interface Used {
  readonly where: string
  readonly expr: string
}

const fromRules: Used[] = [...objectiveGroups(), symptomGroup()].flatMap(({ rules }) =>
  rules.map((rule) => ({ where: 'alert' in rule ? rule.alert : rule.record, expr: rule.expr })),
)
const fromDashboards: Used[] = dashboards().flatMap(({ json }) =>
  (
    json as unknown as { readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[] }
  ).panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr: expr.replaceAll('$__rate_interval', '5m') }))),
)

const WORDS = ['and', 'or', 'unless', 'bool', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'offset']

/** Names of series in an expression: what is left without strings, label lists, windows, functions and words of the language. */
function seriesIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, ' ')
  return [...bare.matchAll(/(?<![\w.])[a-z_][\w:]*(?!\w|\s*\()/g)].map(([name]) => name).filter((name) => !WORDS.includes(name))
}

describe('every metric that rules and dashboards name', () => {
  const metrics = createMetrics()
  createCatalogue(metrics)
  createRuntimeMetrics(metrics, { build: { version: '1', revision: 'x' } })
  const known = new Map(
    metrics.describe().flatMap(({ name, type, labels }) => {
      const names = type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name]
      return names.map((series) => [series, [...labels, ...(series.endsWith('_bucket') ? ['le'] : [])]] as const)
    }),
  )
  const recorded = new Set(['up', 'slo:error_budget:ratio', ...WINDOWS.map(errorRatio)])
  const used = [...fromRules, ...fromDashboards]

  it('is in the registry, under that name', () => {
    expect(used.length).toBeGreaterThan(100)
    for (const { where, expr } of used) {
      const names = seriesIn(expr)
      if (!expr.startsWith('vector(')) expect(names.length, where).toBeGreaterThan(0)
      for (const name of names) expect(known.has(name) || recorded.has(name), `${where}: ${name}`).toBe(true)
    }
  })

  it('has the labels that are asked of it', () => {
    let asked = 0
    for (const { where, expr } of used) {
      for (const [, name = '', matchers = ''] of expr.matchAll(/([a-z_][\w:]*)\{([^}]*)\}/g)) {
        if (recorded.has(name)) continue
        for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
          asked++
          expect(known.get(name), `${where}: ${name}{${label}}`).toContain(label)
        }
      }
      for (const [, list = ''] of expr.matchAll(/\bby\s*\(([^)]*)\)/g)) {
        const labels = new Set(seriesIn(expr).flatMap((name) => [...(known.get(name) ?? []), 'instance', 'slo']))
        for (const label of list.split(',')) expect([...labels], `${where}: by ${label}`).toContain(label.trim())
      }
    }
    expect(asked).toBeGreaterThan(20)
  })

  it('would be missed if it were renamed', () => {
    expect(seriesIn('sum by (le) (rate(db_client_renamed_seconds_bucket{a="b"}[5m])) / up')).toEqual([
      'db_client_renamed_seconds_bucket',
      'up',
    ])
    expect(known.has('db_client_renamed_seconds_bucket')).toBe(false)
  })

  it.skipIf(!promtool)(`stands in an expression that Prometheus can parse${WHERE}`, async () => {
    const rules = fromDashboards.map(({ expr }, index): Rule => ({ record: `panel:number:${index}`, expr }))
    expect(await run('check', [{ name: 'panels', rules }])).toMatchObject({ ok: true })
    expect(await run('check', [{ name: 'panels', rules: [{ record: 'panel:broken', expr: 'sum by (le (rate(up[5m]))' }] }])).toMatchObject({
      ok: false,
    })
  })
})
