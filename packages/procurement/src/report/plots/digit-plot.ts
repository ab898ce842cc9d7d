import type { Finding, FindingValue } from '../../findings/finding.ts'
import { numberText, type Language } from '../../findings/number-text.ts'
import { WORDS } from '../report-words.ts'
import { coordinate, svgText, toSvg } from './svg.ts'

interface Bin {
  readonly digits: number
  readonly observed: number
  readonly expected: number
}

const WIDTH = 640
const HEIGHT = 300
const BASE = 260
const TOP = 20
const LEFT = 30

/** Observed digits as bars and the expected curve, or `undefined` where the finding has none to show. */
export function digitPlot(finding: Finding, language: Language): string | undefined {
  const bins = binsOf(finding.statistics.bins)
  const largest = Math.max(0, ...bins.flatMap(({ observed, expected }) => [observed, expected]))
  if (largest === 0) return undefined
  const step = (WIDTH - 2 * LEFT) / bins.length
  const heightOf = (count: number): number => (count / largest) * (BASE - TOP)
  const bars = bins.map(({ observed }, index) => {
    const [x, height] = [LEFT + index * step + step * 0.15, heightOf(observed)]
    return `<rect class="bar" x="${coordinate(x)}" y="${coordinate(BASE - height)}" width="${coordinate(step * 0.7)}" height="${coordinate(height)}"/>`
  })
  const points = bins.map(({ expected }, index) => `${coordinate(LEFT + (index + 0.5) * step)},${coordinate(BASE - heightOf(expected))}`)
  const labels = bins.map(({ digits }, index) =>
    svgText(String(digits), { x: LEFT + (index + 0.5) * step, y: BASE + 18, anchor: 'middle' }),
  )
  const body = [...bars, `<polyline class="curve" points="${points.join(' ')}"/>`, ...labels]
  return toSvg({ title: WORDS.digits[language], description: describe(bins, language), width: WIDTH, height: HEIGHT, body })
}

function describe(bins: readonly Bin[], language: Language): string {
  return bins
    .map(({ digits, observed, expected }) => `${digits}: ${numberText(observed, language)} / ${numberText(expected, language, 1)}`)
    .join('; ')
}

/** Findings may come back from storage, so what they hold is looked at and not believed. */
function binsOf(value: FindingValue | undefined): readonly Bin[] {
  if (!Array.isArray(value)) return []
  return (value as readonly FindingValue[]).flatMap((bin) => {
    if (typeof bin !== 'object' || bin === null || !('observed' in bin)) return []
    const { digits, observed, expected } = bin
    return typeof digits === 'number' && typeof observed === 'number' && typeof expected === 'number'
      ? [{ digits, observed, expected }]
      : []
  })
}
