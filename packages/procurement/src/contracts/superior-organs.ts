import type { LocalizedText } from '../values/localized-text.ts'

/** A ministry or body of the same rank, as the Portal's column `Código Órgão Superior` codes it. */
export interface SuperiorOrgan {
  readonly code: string
  /** In full; the Portal's files cut names after 45 characters. */
  readonly name: LocalizedText
}

const organ = (code: string, en: string, pt: string): SuperiorOrgan => Object.freeze({ code, name: Object.freeze({ en, pt }) })

/** The federal bodies that publish contracts through the Portal. */
export const SUPERIOR_ORGANS: readonly SuperiorOrgan[] = Object.freeze([
  organ('15000', 'Labour Courts', 'Justiça do Trabalho'),
  organ('20000', 'Presidency of the Republic', 'Presidência da República'),
  organ('22000', 'Ministry of Agriculture and Livestock', 'Ministério da Agricultura e Pecuária'),
  organ('24000', 'Ministry of Science, Technology and Innovation', 'Ministério da Ciência, Tecnologia e Inovação'),
  organ('25000', 'Ministry of Finance', 'Ministério da Fazenda'),
  organ('25201', 'Central Bank of Brazil', 'Banco Central do Brasil'),
  organ('26000', 'Ministry of Education', 'Ministério da Educação'),
  organ('28000', 'Ministry of Development, Industry, Trade and Services', 'Ministério do Desenvolvimento, Indústria, Comércio e Serviços'),
  organ('30000', 'Ministry of Justice and Public Security', 'Ministério da Justiça e Segurança Pública'),
  organ('32000', 'Ministry of Mines and Energy', 'Ministério de Minas e Energia'),
  organ('33000', 'Ministry of Social Security', 'Ministério da Previdência Social'),
  organ('35000', 'Ministry of Foreign Affairs', 'Ministério das Relações Exteriores'),
  organ('36000', 'Ministry of Health', 'Ministério da Saúde'),
  organ('37000', 'Office of the Comptroller General', 'Controladoria-Geral da União'),
  organ('39000', 'Ministry of Transport', 'Ministério dos Transportes'),
  organ('40000', 'Ministry of Labour and Employment', 'Ministério do Trabalho e Emprego'),
  organ('41000', 'Ministry of Communications', 'Ministério das Comunicações'),
  organ('42000', 'Ministry of Culture', 'Ministério da Cultura'),
  organ('44000', 'Ministry of the Environment and Climate Change', 'Ministério do Meio Ambiente e Mudança do Clima'),
  organ('46000', 'Ministry of Management and Innovation in Public Services', 'Ministério da Gestão e da Inovação em Serviços Públicos'),
  organ('47000', 'Ministry of Planning and Budget', 'Ministério do Planejamento e Orçamento'),
  organ('49000', 'Ministry of Agrarian Development and Family Farming', 'Ministério do Desenvolvimento Agrário e Agricultura Familiar'),
  organ('52000', 'Ministry of Defence', 'Ministério da Defesa'),
  organ('53000', 'Ministry of Integration and Regional Development', 'Ministério da Integração e do Desenvolvimento Regional'),
  organ('54000', 'Ministry of Tourism', 'Ministério do Turismo'),
  organ(
    '55000',
    'Ministry of Development and Social Assistance',
    'Ministério do Desenvolvimento e Assistência Social, Família e Combate à Fome',
  ),
  organ('56000', 'Ministry of Cities', 'Ministério das Cidades'),
  organ('58000', 'Ministry of Fisheries and Aquaculture', 'Ministério da Pesca e Aquicultura'),
  organ('63000', 'Office of the Attorney General', 'Advocacia-Geral da União'),
  organ('68000', 'Ministry of Ports and Airports', 'Ministério de Portos e Aeroportos'),
  organ('81000', 'Ministry of Human Rights and Citizenship', 'Ministério dos Direitos Humanos e da Cidadania'),
  organ('84000', 'Ministry of Indigenous Peoples', 'Ministério dos Povos Indígenas'),
])

/** Names by which people ask, beside the full ones. Compared without case, accents and small words. */
const OTHER_NAMES: readonly (readonly [name: string, code: string])[] = [
  ['Ministry of Defense', '52000'],
  ['Ministry of Labor', '40000'],
  ['Ministry of Environment', '44000'],
  ['Ministério do Meio Ambiente', '44000'],
  ['Ministério da Justiça', '30000'],
  ['Ministry of Justice', '30000'],
  ['Ministério da Agricultura', '22000'],
  ['Ministry of Agriculture', '22000'],
  ['Ministério da Ciência', '24000'],
  ['Ministry of Science', '24000'],
  ['Ministério do Trabalho', '40000'],
  ['Ministério da Previdência', '33000'],
  ['Ministério do Planejamento', '47000'],
  ['Ministry of Planning', '47000'],
  ['Ministério da Gestão', '46000'],
  ['Ministério da Integração', '53000'],
  ['Itamaraty', '35000'],
  ['CGU', '37000'],
  ['AGU', '63000'],
  ['Bacen', '25201'],
]

const SMALL_WORDS = new Set(['a', 'and', 'da', 'das', 'de', 'do', 'dos', 'e', 'in', 'of', 'the'])

const NAMES: readonly { readonly name: string; readonly code: string }[] = [
  ...SUPERIOR_ORGANS.flatMap(({ code, name }) => [name.en, name.pt].map((text) => ({ name: fold(text), code }))),
  ...OTHER_NAMES.map(([text, code]) => ({ name: fold(text), code })),
].sort((left, right) => right.name.length - left.name.length)

const BY_CODE: ReadonlyMap<string, SuperiorOrgan> = new Map(SUPERIOR_ORGANS.map((entry) => [entry.code, entry]))

export function superiorOrganByCode(code: string): SuperiorOrgan | undefined {
  return BY_CODE.get(code)
}

/**
 * The organs named in a text, in the order in which they are named: "contracts of the Ministério da Saúde" gives
 * 36000. Case, accents and small words do not matter; of names that overlap the longest counts.
 */
export function findSuperiorOrgans(text: string): readonly SuperiorOrgan[] {
  let rest = ` ${fold(text)} `
  const found: { at: number; code: string }[] = []
  for (const { name, code } of NAMES) {
    const at = rest.indexOf(` ${name} `)
    if (at === -1) continue
    found.push({ at, code })
    rest = rest.replaceAll(` ${name} `, ` ${'#'.repeat(name.length)} `)
  }
  const codes = new Set(found.sort((left, right) => left.at - right.at).map((match) => match.code))
  return [...codes].flatMap((code) => superiorOrganByCode(code) ?? [])
}

function fold(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  const words = plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '' && !SMALL_WORDS.has(word))
  return words.join(' ')
}
