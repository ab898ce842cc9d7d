import type { Finding, FindingOutcome, FindingValues, Severity } from '../../findings/finding.ts'
import { numberText, type Language } from '../../findings/number-text.ts'
import type { LocalizedText } from '../../values/localized-text.ts'
import type { BenfordResult, BenfordTest, Conformity } from './benford-statistics.ts'

export const BENFORD_BENIGN: readonly LocalizedText[] = [
  {
    en: 'prices fixed by law or by a national price list, such as army water-truck contracts, repeat the same digits',
    pt: 'preços fixados por norma ou tabela nacional, como os contratos de carros-pipa do Exército, repetem os mesmos dígitos',
  },
  {
    en: 'legal limits of value make amounts gather just below them',
    pt: 'limites legais de valor fazem os valores se concentrarem logo abaixo deles',
  },
  {
    en: 'a population of one kind of purchase, or spanning less than two orders of magnitude, need not follow the law',
    pt: 'uma população de um só tipo de compra, ou com menos de duas ordens de grandeza, não precisa seguir a lei',
  },
]

const CONFORMITY_TEXT: Readonly<Record<Conformity, LocalizedText>> = {
  close: { en: 'close conformity', pt: 'conformidade próxima' },
  acceptable: { en: 'acceptable conformity', pt: 'conformidade aceitável' },
  marginal: { en: 'marginal conformity', pt: 'conformidade marginal' },
  nonconforming: { en: 'nonconformity', pt: 'não conformidade' },
}

export interface BenfordVerdict {
  readonly outcome: FindingOutcome
  readonly severity: Severity
}

/**
 * The mean absolute deviation grades, χ² guards: in a small sample chance alone gives a large deviation, so a poor
 * grade counts only where χ² rejects chance too.
 */
export function judge(result: BenfordResult, test: BenfordTest, minimum: number): BenfordVerdict {
  if (result.n < minimum) return { outcome: 'population-too-small', severity: 'info' }
  const chance = result.chiSquare <= test.criticalChiSquare
  if (chance || result.conformity === 'close' || result.conformity === 'acceptable') return { outcome: 'nothing-found', severity: 'info' }
  return { outcome: 'indication', severity: result.conformity === 'marginal' ? 'low' : 'medium' }
}

export function benfordPopulation(n: number): Finding['population'] {
  return { n, description: { en: 'contracts with an initial value above zero', pt: 'contratos com valor inicial maior que zero' } }
}

export function benfordThreshold({ cuts, criticalChiSquare }: BenfordTest, minimumPopulation: number): FindingValues {
  const [close, acceptable, marginal] = cuts
  return { minimumPopulation, close, acceptable, marginal, chiSquare: criticalChiSquare }
}

export function benfordStatistics(result: BenfordResult, test: BenfordTest): FindingValues {
  const { meanAbsoluteDeviation, chiSquare, conformity, bins } = result
  return {
    meanAbsoluteDeviation,
    conformity,
    chiSquare,
    degreesOfFreedom: test.degreesOfFreedom,
    bins: bins.map(({ digits, observed, expected }) => ({ digits, observed, expected })),
  }
}

export function explainBenford(result: BenfordResult, test: BenfordTest, verdict: BenfordVerdict): LocalizedText {
  if (verdict.outcome === 'population-too-small') return explainTooSmall(result.n)
  const rejected = result.chiSquare > test.criticalChiSquare
  const en = rejected ? 'above, so chance alone is unlikely' : 'not above, so chance can explain it'
  const pt = rejected ? 'acima, logo o acaso sozinho é improvável' : 'não acima, logo o acaso pode explicá-lo'
  const conclusion =
    verdict.outcome === 'indication'
      ? {
          en: 'This is an indication that the values deserve a look, no more.',
          pt: 'É um indício de que os valores merecem exame, nada mais.',
        }
      : { en: 'No indication.', pt: 'Sem indício.' }
  return {
    en: `${numbers(result, test, 'en')} (${en}). ${conclusion.en}`,
    pt: `${numbers(result, test, 'pt')} (${pt}). ${conclusion.pt}`,
  }
}

function numbers(result: BenfordResult, test: BenfordTest, language: Language): string {
  const mad = numberText(result.meanAbsoluteDeviation, language, 6)
  const grade = CONFORMITY_TEXT[result.conformity][language]
  const chi = numberText(result.chiSquare, language, 2)
  const critical = numberText(test.criticalChiSquare, language, 2)
  const n = numberText(result.n, language)
  return language === 'en'
    ? `Over ${n} values the mean absolute deviation from Benford's law is ${mad}: ${grade}. χ² is ${chi} against ${critical}`
    : `Em ${n} valores o desvio absoluto médio da lei de Benford é ${mad}: ${grade}. χ² é ${chi} contra ${critical}`
}

function explainTooSmall(n: number): LocalizedText {
  return {
    en: `Only ${numberText(n, 'en')} values: too few to compare their digits with Benford's law.`,
    pt: `Apenas ${numberText(n, 'pt')} valores: poucos para comparar seus dígitos com a lei de Benford.`,
  }
}
