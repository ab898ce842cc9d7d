import { numberText, type Language } from '../../findings/number-text.ts'
import type { LocalizedText } from '../../values/localized-text.ts'
import type { SplittingResult } from './threshold-splitting.ts'

export const SPLITTING_BENIGN: readonly LocalizedText[] = [
  {
    en: 'the purchases are of different nature, which the law does not add up',
    pt: 'as compras são de natureza distinta, que a lei não soma',
  },
  {
    en: 'the law itself forbids larger direct purchases, so that few lie above the limit; what counts is how many gather right below',
    pt: 'a própria lei veda dispensas maiores, e por isso poucas ficam acima do limite; o que conta é quantas se acumulam logo abaixo',
  },
  {
    en: 'in 2020 the limits were raised for the public emergency (MP 961 and Lei 14.065), which this rule does not apply',
    pt: 'em 2020 os limites foram elevados pela emergência pública (MP 961 e Lei 14.065), o que esta regra não aplica',
  },
  {
    en: 'family-farming food (Lei 11.947) is bought without this limit',
    pt: 'alimentos da agricultura familiar (Lei 11.947) são comprados sem este limite',
  },
]

export const SPLITTING_POPULATION: LocalizedText = {
  en: 'direct purchases for their low value (art. 75, I and II of Lei 14.133; art. 24, I and II of Lei 8.666)',
  pt: 'dispensas em razão do valor (art. 75, I e II da Lei 14.133; art. 24, I e II da Lei 8.666)',
}

export function explainSplitting(result: SplittingResult): LocalizedText {
  if (result.counts.population === 0) return { en: 'No direct purchase for its low value.', pt: 'Nenhuma dispensa em razão do valor.' }
  return { en: inEnglish(result), pt: inPortuguese(result) }
}

function inEnglish({ counts, groups, chance, bunched }: SplittingResult): string {
  const [n, found, below, above] = numbers('en', [counts.population, groups.length, counts.justBelow, counts.justAbove])
  const supposed =
    counts.basisSupposed > 0
      ? ` The source does not cite the legal basis of ${numberText(counts.basisSupposed, 'en')} of them; art. 75, II is supposed.`
      : ''
  const verdict = groups.length > 0 || bunched ? 'An indication that the purchases deserve a look together, no more.' : 'No indication.'
  return `Of ${n} direct purchases, ${found} groups of one year, unit and company stay below the limit one by one and reach it together. ${below} purchases lie in the tenth below the limit and ${above} in the tenth above (chance alone: ${chanceText(chance, 'en')}).${supposed} ${verdict}`
}

function inPortuguese({ counts, groups, chance, bunched }: SplittingResult): string {
  const [n, found, below, above] = numbers('pt', [counts.population, groups.length, counts.justBelow, counts.justAbove])
  const supposed =
    counts.basisSupposed > 0
      ? ` A fonte não cita o amparo legal de ${numberText(counts.basisSupposed, 'pt')} delas; supõe-se o art. 75, II.`
      : ''
  const verdict = groups.length > 0 || bunched ? 'É indício de que as compras merecem exame em conjunto, nada mais.' : 'Sem indício.'
  return `De ${n} dispensas, ${found} grupos de mesmo ano, unidade e empresa ficam abaixo do limite uma a uma e o alcançam somadas. ${below} dispensas estão no décimo abaixo do limite e ${above} no décimo acima (por acaso: ${chanceText(chance, 'pt')}).${supposed} ${verdict}`
}

function numbers(language: Language, values: readonly number[]): readonly string[] {
  return values.map((value) => numberText(value, language))
}

/** Six decimals say enough; smaller probabilities are told as such. */
function chanceText(chance: number, language: Language): string {
  const least = 0.000_001
  return chance < least ? `p < ${numberText(least, language, 6)}` : `p = ${numberText(chance, language, 6)}`
}
