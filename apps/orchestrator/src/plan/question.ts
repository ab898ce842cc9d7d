import { QueryNotUnderstoodError } from '../errors.ts'
import { foldText } from './fold-text.ts'

export const LANGUAGES = ['en', 'pt'] as const
export type Language = (typeof LANGUAGES)[number]

/** A ministry or another top-level body, as people may call it. */
export interface NamedOrgan {
  readonly code: string
  readonly name: { readonly en: string; readonly pt: string }
}

/** What a question asks for, whoever asked it in whichever language. */
export interface Question {
  readonly kind: 'contracts'
  readonly language: Language
  /** The body whose contracts are meant; absent when the question names none. */
  readonly organ?: NamedOrgan
  /** Ascending; empty when the question names no year. */
  readonly years: readonly number[]
}

/** Longest question accepted, in characters. */
export const MAX_QUERY_LENGTH = 2_000

const CONTRACT_WORDS: Readonly<Record<Language, RegExp>> = {
  en: /\b(contracts?|purchases?|procurement|spending)\b/,
  pt: /\b(contratos?|contratacao|contratacoes|compras?|gastos?)\b/,
}
const ORGAN_WORDS = /\b(?:(?<en>ministry|department) of (?:the )?|(?<pt>ministerio) d[aeo]s? )(?<rest>.+)$/
const YEAR = /\b(?<year>20\d\d)\b/g
const EXAMPLES = '"Analyze Ministry of Health contracts 2024" or "Analise os contratos do Ministério da Saúde em 2024"'

/**
 * Reads a question by rule: which contracts, of whom, of which years; words in English or Portuguese, accents and case
 * do not matter.
 *
 * @throws QueryNotUnderstoodError when it asks for nothing known, or names a ministry that is not known: answering
 * about all ministries instead would be an answer to another question.
 */
export function understandQuestion(query: string, organs: readonly NamedOrgan[]): Question {
  const text = foldText(query)
  if (text === '') throw new QueryNotUnderstoodError(`query: must say what to investigate, got ${JSON.stringify(query)}; try ${EXAMPLES}`)
  if (query.length > MAX_QUERY_LENGTH) {
    throw new QueryNotUnderstoodError(`query: must have at most ${MAX_QUERY_LENGTH} characters, got ${query.length}`)
  }
  const language = LANGUAGES.findLast((candidate) => CONTRACT_WORDS[candidate].test(text))
  if (language === undefined) {
    throw new QueryNotUnderstoodError(`query: no rule understands ${JSON.stringify(query)}; ask about contracts, for example ${EXAMPLES}`)
  }
  const organ = organIn(text, organs)
  if (organ === undefined) refuseUnknownOrgan(text, query, organs)
  return { kind: 'contracts', language, ...(organ ? { organ } : {}), years: yearsIn(text) }
}

/** The longest name wins: "Ministério da Justiça e Segurança Pública" before any shorter one inside it. */
function organIn(text: string, organs: readonly NamedOrgan[]): NamedOrgan | undefined {
  let best: { readonly organ: NamedOrgan; readonly length: number } | undefined
  for (const organ of organs) {
    for (const name of [organ.name.en, organ.name.pt].map(foldText)) {
      if (name.length > (best?.length ?? 0) && ` ${text} `.includes(` ${name} `)) best = { organ, length: name.length }
    }
  }
  return best?.organ
}

function refuseUnknownOrgan(text: string, query: string, organs: readonly NamedOrgan[]): void {
  const named = ORGAN_WORDS.exec(text)
  if (named === null) return
  const language: Language = named.groups?.pt === undefined ? 'en' : 'pt'
  const known = organs.map((organ) => organ.name[language]).join(', ')
  throw new QueryNotUnderstoodError(`query: no known ministry is named in ${JSON.stringify(query)}; known are: ${known}`)
}

function yearsIn(text: string): number[] {
  return [...new Set([...text.matchAll(YEAR)].map((match) => Number(match.groups?.year)))].sort((a, b) => a - b)
}
