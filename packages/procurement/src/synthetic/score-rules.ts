import { RULE_IDS, type Finding, type RuleId } from '../findings/finding.ts'
import type { FindingRecord } from '../findings/finding-record.ts'
import type { PlantedAnomaly } from './planting.ts'

/** How well a rule finds what was planted for it, counted in records: lines of a file, or buying units. */
export interface RuleScore {
  readonly rule: RuleId
  readonly planted: number
  /** Records that the rule lists. */
  readonly found: number
  /** Of `found`: those that were planted for this rule. */
  readonly hits: number
  /** `hits / planted`, 0 to 1; `null` where nothing was planted. */
  readonly recall: number | null
  /** `hits / found`, 0 to 1; `null` where nothing was found. */
  readonly precision: number | null
}

/**
 * Compares findings with the key of a synthetic source, one score for each rule that was planted for or gave a finding,
 * in the order of the rules. Only listed records count: a finding that lists fewer than it found is scored by those.
 */
export function scoreRules(key: readonly PlantedAnomaly[], findings: readonly Finding[]): readonly RuleScore[] {
  return RULE_IDS.flatMap((rule) => {
    const planted = new Set(key.filter((anomaly) => anomaly.rule === rule).flatMap(placesOf))
    const ofRule = findings.filter((finding) => finding.rule === rule)
    if (planted.size === 0 && ofRule.length === 0) return []
    return [scoreOf(rule, planted, new Set(ofRule.flatMap(({ records }) => records.map(placeOf))))]
  })
}

function scoreOf(rule: RuleId, planted: ReadonlySet<string>, found: ReadonlySet<string>): RuleScore {
  const hits = [...found].filter((place) => planted.has(place)).length
  return { rule, planted: planted.size, found: found.size, hits, recall: ratio(hits, planted.size), precision: ratio(hits, found.size) }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

function placesOf({ unit, file, lines }: PlantedAnomaly): readonly string[] {
  return unit === null ? lines.map((line) => lineKey(file, line)) : [unitKey(unit)]
}

function placeOf(record: FindingRecord): string {
  return record.kind === 'buyer' ? unitKey(record.unit.code) : lineKey(record.file, record.line)
}

function lineKey(file: string, line: number): string {
  return `${file}:${line}`
}

function unitKey(code: string): string {
  return `unit ${code}`
}
