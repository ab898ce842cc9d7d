import type { SupplierTotal } from '../../contracts/supplier-totals.ts'
import type { Language } from '../../findings/number-text.ts'
import { moneyText } from '../report-text.ts'
import { WORDS } from '../report-words.ts'
import { coordinate, svgText, toSvg } from './svg.ts'

const WIDTH = 640
const ROW = 34
const SHOWN = 10
const NAME_LENGTH = 60

/** The largest suppliers as bars, or `undefined` where there are none. */
export function supplierPlot(totals: readonly SupplierTotal[], language: Language): string | undefined {
  const shown = totals.slice(0, SHOWN)
  const largest = Math.max(0, ...shown.map(({ value }) => Number(value)))
  if (!(largest > 0)) return undefined
  const body = shown.flatMap(({ supplier, value }, index) => {
    const y = index * ROW
    const width = (Number(value) / largest) * (WIDTH - 8)
    return [
      svgText(`${supplier.name.slice(0, NAME_LENGTH)} – ${moneyText(value, language)}`, { x: 4, y: y + 14 }),
      `<rect class="bar" x="4" y="${y + 18}" width="${coordinate(width)}" height="10"/>`,
    ]
  })
  const description = shown.map(({ supplier, value }) => `${supplier.name}: ${moneyText(value, language)}`).join('; ')
  return toSvg({ title: WORDS.suppliers[language], description, width: WIDTH, height: shown.length * ROW + 4, body })
}
