import { numberText } from '../../findings/number-text.ts'
import type { LocalizedText } from '../../values/localized-text.ts'
import type { PriceCounts } from './price-outlier.ts'

export const PRICE_BENIGN: readonly LocalizedText[] = [
  {
    en: 'a lump sum entered with quantity 1, next to prices of single units',
    pt: 'um preço global lançado com quantidade 1, ao lado de preços de unidades',
  },
  {
    en: 'one description for goods of different size, quality or unit of supply (a box, a bottle, a month)',
    pt: 'uma só descrição para bens de tamanho, qualidade ou unidade de fornecimento diferentes (caixa, frasco, mês)',
  },
  { en: 'delivery to a remote place', pt: 'entrega em local remoto' },
  { en: 'a typing error in price or quantity', pt: 'um erro de digitação no preço ou na quantidade' },
]

export const PRICE_POPULATION: LocalizedText = {
  en: 'items with a price above zero whose description enough others share',
  pt: 'itens com preço maior que zero cuja descrição é comum a itens suficientes',
}

export function explainPrices({ population, groups, withoutSpread, dear, cheap }: PriceCounts, maxScore: number): LocalizedText {
  if (population === 0)
    return { en: 'No description with enough items to compare.', pt: 'Nenhuma descrição com itens suficientes para comparar.' }
  return {
    en: `Of ${numberText(population, 'en')} items in ${numberText(groups, 'en')} descriptions, ${numberText(dear, 'en')} have a unit price whose modified z-score is above ${numberText(maxScore, 'en', 1)}; ${numberText(cheap, 'en')} are as far below. In ${numberText(withoutSpread, 'en')} items prices hardly differ, so no scale exists. ${dear > 0 ? 'A dear price is an indication that deserves a look, no more.' : 'No indication.'}`,
    pt: `De ${numberText(population, 'pt')} itens em ${numberText(groups, 'pt')} descrições, ${numberText(dear, 'pt')} têm preço unitário com escore z modificado acima de ${numberText(maxScore, 'pt', 1)}; ${numberText(cheap, 'pt')} estão tanto abaixo. Em ${numberText(withoutSpread, 'pt')} itens os preços quase não variam, e não há escala. ${dear > 0 ? 'Um preço caro é indício que merece exame, nada mais.' : 'Sem indício.'}`,
  }
}
