import type { JsonObject } from '@cidadao/contracts'
import { BURN_RATES, type BurnRate } from './burn-rates.ts'
import { OBJECTIVES } from './objectives.ts'
import { alertName, burnAnnotations, objectiveGroups } from './rules.ts'

/**
 * A stretch of minutes in which the budget burns at some factor. Events go bad as a part of all; time goes bad for one
 * minute in so many, the closest to that factor.
 */
interface Stretch {
  readonly minutes: number
  readonly factor: number
}

interface Scenario {
  readonly name: string
  readonly stretches: readonly Stretch[]
  /** Burn rates that must be alerted on in the last minute; all others must not. */
  readonly alerted: readonly BurnRate[]
}

const [fastest, fast, slow, slowest] = BURN_RATES as readonly [BurnRate, BurnRate, BurnRate, BurnRate]
const HOURS = 60

/** Between two factors on either side, the short window alone, the long window alone, and nothing at all. */
const SCENARIOS: readonly Scenario[] = [
  { name: 'all is well', stretches: [{ minutes: 7 * HOURS, factor: 0 }], alerted: [] },
  { name: 'half of what is allowed', stretches: [{ minutes: 7 * HOURS, factor: 0.5 }], alerted: [] },
  { name: 'somewhat too fast', stretches: [{ minutes: 7 * HOURS, factor: 1.5 }], alerted: [slowest] },
  { name: 'four times too fast', stretches: [{ minutes: 7 * HOURS, factor: 4 }], alerted: [slow, slowest] },
  { name: 'ten times too fast', stretches: [{ minutes: 7 * HOURS, factor: 10 }], alerted: [fast, slow, slowest] },
  { name: 'twenty times too fast', stretches: [{ minutes: 7 * HOURS, factor: 20 }], alerted: [fastest, fast, slow, slowest] },
  ...[
    { burn: fastest, factor: 20, minutes: 5, after: 85 },
    { burn: fast, factor: 10, minutes: 30, after: 90 },
    { burn: slow, factor: 4, minutes: 120, after: 120 },
    { burn: slowest, factor: 1.5, minutes: 360, after: 360 },
  ].map(({ burn, factor, minutes, after }) => ({
    name: `for ${burn.short} only: too short to matter for ${burn.long}`,
    stretches: [
      { minutes: after, factor: 0 },
      { minutes, factor },
    ],
    alerted: BURN_RATES.filter((other) => other.factor < burn.factor && factor * (minutes / (minutes + after)) > other.factor),
  })),
  ...[
    { burn: fastest, minutes: 55, pause: 5, alerted: [fast, slow, slowest] },
    { burn: fast, minutes: 60, pause: 30, alerted: [slow, slowest] },
    { burn: slow, minutes: 60, pause: 120, alerted: [slowest] },
    { burn: slowest, minutes: 60, pause: 360, alerted: [] },
  ].map(({ burn, minutes, pause, alerted }) => ({
    name: `over for ${burn.short}: what matters in ${burn.long} has ended`,
    stretches: [
      { minutes, factor: 20 },
      { minutes: pause, factor: 0 },
    ],
    alerted,
  })),
]

/** Every scenario ends at a multiple of it; more often would only take longer. */
const EVALUATED_EVERY = '30m'

/** A file for `promtool test rules`. */
export function objectiveRuleTests(ruleFiles: readonly string[]): JsonObject {
  return {
    rule_files: ruleFiles,
    evaluation_interval: EVALUATED_EVERY,
    group_eval_order: objectiveGroups().map((group) => group.name),
    tests: SCENARIOS.map(toTest),
  }
}

function toTest({ name, stretches, alerted }: Scenario): JsonObject {
  const minutes = stretches.reduce((sum, stretch) => sum + stretch.minutes, 0)
  const expected = (severity: BurnRate['severity']): JsonObject[] =>
    OBJECTIVES.flatMap((objective) =>
      alerted
        .filter((burn) => burn.severity === severity)
        .map((burn) => ({
          exp_labels: { slo: objective.name, severity, long_window: burn.long },
          exp_annotations: burnAnnotations(objective, burn),
        })),
    )
  return {
    name,
    interval: '1m',
    input_series: [...seriesOf(stretches)].map(([series, values]) => ({ series, values })),
    alert_rule_test: [fastest, slow].map((burn) => ({
      eval_time: `${minutes}m`,
      alertname: alertName(burn),
      exp_alerts: expected(burn.severity),
    })),
  }
}

const EVENTS_A_MINUTE = 100_000
/** Of those that are slow, all are in the bucket after the one that the objective ends at. */
const LABELS = 'db_system_name="postgresql",db_operation_name="runs",db_query_summary="runs.save"'

function seriesOf(stretches: readonly Stretch[]): Map<string, string> {
  const events = (budget: number, badOnes: boolean): string =>
    cumulative(stretches, (factor) => (badOnes ? factor * budget : 1 - factor * budget) * EVENTS_A_MINUTE)
  const [good, bad] = [events(0.001, false), events(0.001, true)]
  const time = [...badTime(stretches)]
  return new Map([
    ['investigations_transitions_total{from="processing",to="completed"}', good],
    ['investigations_transitions_total{from="processing",to="error"}', bad],
    // What somebody cancels counts neither way.
    ['investigations_transitions_total{from="processing",to="cancelled"}', `0+${EVENTS_A_MINUTE}x800`],
    ['http_server_request_duration_seconds_count{http_route="/investigations",http_response_status_code="200"}', good],
    ['http_server_request_duration_seconds_count{http_route="/investigations",http_response_status_code="503"}', bad],
    // A readiness probe that says no is an answer.
    ['http_server_request_duration_seconds_count{http_route="/readyz",http_response_status_code="503"}', `0+${EVENTS_A_MINUTE}x800`],
    [`db_client_operation_duration_seconds_count{${LABELS},error_type="none"}`, good],
    [`db_client_operation_duration_seconds_count{${LABELS},error_type="DB_UNAVAILABLE"}`, bad],
    [`db_client_operation_duration_seconds_bucket{le="0.1",${LABELS},error_type="none"}`, events(0.01, false)],
    [`db_client_operation_duration_seconds_bucket{le="0.5",${LABELS},error_type="none"}`, `0+${EVENTS_A_MINUTE}x800`],
    ['db_outbox_oldest_seconds', time.map((isBad) => (isBad ? 31 : 30)).join(' ')],
    ['audit_oldest_unanchored_seconds', time.map((isBad) => (isBad ? 901 : 900)).join(' ')],
  ])
}

/** A counter that rises by so much a minute in each stretch, in Prometheus' short form. */
function cumulative(stretches: readonly Stretch[], aMinute: (factor: number) => number): string {
  let total = 0
  const parts = stretches.map(({ minutes, factor }) => {
    const rise = Math.round(aMinute(factor))
    const from = total + rise
    total += rise * minutes
    return minutes === 1 ? `${from}` : `${from}+${rise}x${minutes - 1}`
  })
  return ['0', ...parts].join(' ')
}

/** One minute in so many, counted back from the end: so the last minute is always good, and short windows see what they should. */
const EVERY: Readonly<Record<number, number>> = { 0.5: Infinity, 1.5: 60, 4: 20, 10: 12, 20: 3 }

function* badTime(stretches: readonly Stretch[]): Generator<boolean> {
  yield false
  for (const { minutes, factor } of stretches) {
    const every = EVERY[factor] ?? Infinity
    for (let left = minutes; left > 0; left--) yield Number.isFinite(every) && left % every === Math.min(every - 1, 7)
  }
}
