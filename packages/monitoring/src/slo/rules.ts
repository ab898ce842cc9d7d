import { BURN_RATES, WINDOWS, type BurnRate, type Window } from './burn-rates.ts'
import { OBJECTIVES, type Objective } from './objectives.ts'

/** A rule of Prometheus, as its files have it. */
export type Rule = {
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
} & (
  { readonly record: string } | { readonly alert: string; readonly for?: string; readonly annotations: Readonly<Record<string, string>> }
)

export interface RuleGroup {
  readonly name: string
  readonly interval?: string
  readonly rules: readonly Rule[]
}

/** Part of bad events, or of bad time, in a window. */
export function errorRatio(window: Window): string {
  return `slo:error:ratio_rate${window}`
}

export function objectiveGroups(objectives: readonly Objective[] = OBJECTIVES): readonly RuleGroup[] {
  return objectives.flatMap((objective) => [recordingGroup(objective), alertGroup(objective)])
}

function recordingGroup(objective: Objective): RuleGroup {
  const { name, target } = objective
  const labels = { slo: name }
  const ratios = WINDOWS.map((window): Rule => ({ record: errorRatio(window), expr: ratioOf(objective, window), labels }))
  const budget: Rule = { record: 'slo:error_budget:ratio', expr: `vector(${budgetOf(target)})`, labels }
  return { name: `slo-${name}-ratios`, rules: [...ratios, budget] }
}

function ratioOf({ indicator }: Objective, window: Window): string {
  if (indicator.kind === 'time') return `avg_over_time((${indicator.isBad})[${window}:1m])`
  return `(${indicator.bad}) / (${indicator.total})`.replaceAll('$window', window)
}

function alertGroup(objective: Objective): RuleGroup {
  const { name } = objective
  const rules = BURN_RATES.map((burn): Rule => ({
    alert: alertName(burn),
    expr: burnExpression(objective, burn),
    labels: { slo: name, severity: burn.severity, long_window: burn.long },
    annotations: burnAnnotations(objective, burn),
  }))
  return { name: `slo-${name}-alerts`, rules }
}

export function burnAnnotations({ name, promise }: Objective, burn: BurnRate): Readonly<Record<string, string>> {
  return {
    summary: `${name}: its error budget burns more than ${burn.factor} times too fast, over ${burn.long} and still over ${burn.short}`,
    description: `Promised: ${promise} At this rate the budget of 30 days lasts ${lastsHours(burn)} hours or less.`,
    dashboard: 'cidadao-objectives',
  }
}

export function alertName({ severity }: Pick<BurnRate, 'severity'>): string {
  return severity === 'page' ? 'ErrorBudgetBurnsFast' : 'ErrorBudgetBurns'
}

function burnExpression({ name, target }: Pick<Objective, 'name' | 'target'>, { factor, long, short }: BurnRate): string {
  const limit = round(factor * budgetOf(target))
  const above = (window: Window): string => `${errorRatio(window)}{slo="${name}"} > ${limit}`
  return `${above(long)} and ${above(short)}`
}

function budgetOf(target: number): number {
  return round(1 - target)
}

const HOURS_OF_30_DAYS = 720

function lastsHours({ factor }: BurnRate): number {
  return Math.round(HOURS_OF_30_DAYS / factor)
}

/** 1 - 0.999 is not 0.001 in binary. */
function round(value: number): number {
  return Number(value.toPrecision(9))
}
