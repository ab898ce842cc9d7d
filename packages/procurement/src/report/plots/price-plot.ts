import type { Finding } from '../../findings/finding.ts'
import { numberText, type Language } from '../../findings/number-text.ts'
import { WORDS } from '../report-words.ts'
import { coordinate, svgText, toSvg } from './svg.ts'

const SIZE = 420
const MARGIN = 40

/** Each dear item by its usual price and its own, on logarithmic axes, or `undefined` where there are none. */
export function pricePlot(finding: Finding, language: Language): string | undefined {
  const points = finding.records.flatMap(({ value, facts }) => {
    const [usual, paid] = [Math.log10(Number(facts.medianPrice)), Math.log10(Number(value))]
    return Number.isFinite(usual) && Number.isFinite(paid) ? [{ usual, paid }] : []
  })
  if (points.length === 0) return undefined
  const all = points.flatMap(({ usual, paid }) => [usual, paid])
  const [least, most] = [Math.floor(Math.min(...all)), Math.max(Math.ceil(Math.max(...all)), Math.floor(Math.min(...all)) + 1)]
  const at = (log: number): number => MARGIN + ((log - least) / (most - least)) * (SIZE - 2 * MARGIN)
  const dots = points.map(
    ({ usual, paid }) => `<circle class="dot" cx="${coordinate(at(usual))}" cy="${coordinate(SIZE - at(paid))}" r="3"/>`,
  )
  const [low, high] = [coordinate(at(least)), coordinate(at(most))]
  const diagonal = `<line class="curve" x1="${low}" y1="${coordinate(SIZE - at(least))}" x2="${high}" y2="${coordinate(SIZE - at(most))}"/>`
  const axes = [
    svgText(`10^${least}`, { x: at(least), y: SIZE - 22, anchor: 'middle' }),
    svgText(`10^${most}`, { x: at(most), y: SIZE - 22, anchor: 'middle' }),
    svgText(WORDS.usualPrice[language], { x: SIZE / 2, y: SIZE - 6, anchor: 'middle' }),
    svgText(WORDS.paidPrice[language], { x: 4, y: 14 }),
  ]
  const description = `${numberText(points.length, language)}: ${WORDS.prices[language]}`
  return toSvg({ title: WORDS.prices[language], description, width: SIZE, height: SIZE, body: [diagonal, ...dots, ...axes] })
}
