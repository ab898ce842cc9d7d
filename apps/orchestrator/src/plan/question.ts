import { QueryNotUnderstoodError } from '../errors.ts'
import { foldText } from './fold-text.ts'

export const LANGUAGES = ['en', 'pt'] as const
export type Language = (typeof LANGUAGES)[number]

/** A ministry or another top-level body, as people may call it. */
export interface NamedOrgan {
  readonly code: string
  readonly name: { readonly en: string; readonly pt: string }
}

/** Knows the bodies of the administration by name. */
export interface OrganDirectory {
  /** Those named in a text, in its order. */
  find(text: string): readonly NamedOrgan[]
  readonly all: readonly NamedOrgan[]
}

/** What a question asks for, whoever asked it in whichever language. */
export interface Question {
  readonly kind: 'contracts'
  readonly language: Language
  /** The bodies whose contracts are meant; empty when the question names none. */
  readonly organs: readonly NamedOrgan[]
  /** Of publication; absent when the question names none. */
  readonly year?: number
}

/** Longest question accepted, in characters. */
export const MAX_QUERY_LENGTH = 2_000

const CONTRACT_WORDS: Readonly<Record<Language, RegExp>> = {
  en: /\b(contracts?|purchases?|procurement|spending)\b/,
  pt: /\b(contratos?|contratacao|contratacoes|compras?|gastos?)\b/,
}
const ORGAN_WORDS = /\b(?:(?<en>ministry|department) of (?:the )?|(?<pt>ministerio) d[aeo]s? )(?<rest>.+)$/
const YEAR = /\b(?<year>(?:19|20)\d\d)\b/g
const EXAMPLES = '"Analyze Ministry of Health contracts 2024" or "Analise os contratos do Ministério da Saúde em 2024"'

/**
 * Reads a question by rule: which contracts, of whom, of which years; words in English or Portuguese, accents and case
 * do not matter.
 *
 * @throws QueryNotUnderstoodError when it asks for nothing known, or names a ministry that is not known: answering
 * about all ministries instead would be an answer to another question.
 */
export function understandQuestion(query: string, directory: OrganDirectory): Question {
  const text = foldText(query)
  if (text === '') throw new QueryNotUnderstoodError(`query: must say what to investigate, got ${JSON.stringify(query)}; try ${EXAMPLES}`)
  if (query.length > MAX_QUERY_LENGTH) {
    throw new QueryNotUnderstoodError(`query: must have at most ${MAX_QUERY_LENGTH} characters, got ${query.length}`)
  }
  const language = LANGUAGES.findLast((candidate) => CONTRACT_WORDS[candidate].test(text))
  if (language === undefined) {
    throw new QueryNotUnderstoodError(`query: no rule understands ${JSON.stringify(query)}; ask about contracts, for example ${EXAMPLES}`)
  }
  const organs = directory.find(query)
  if (organs.length === 0) refuseUnknownOrgan(text, query, directory)
  const year = yearIn(text, query)
  return { kind: 'contracts', language, organs, ...(year === undefined ? {} : { year }) }
}

function refuseUnknownOrgan(text: string, query: string, directory: OrganDirectory): void {
  const named = ORGAN_WORDS.exec(text)
  if (named === null) return
  const language: Language = named.groups?.pt === undefined ? 'en' : 'pt'
  const known = directory.all.map((organ) => organ.name[language]).join(', ')
  throw new QueryNotUnderstoodError(`query: no known ministry is named in ${JSON.stringify(query)}; known are: ${known}`)
}

function yearIn(text: string, query: string): number | undefined {
  const years = new Set([...text.matchAll(YEAR)].map((match) => Number(match.groups?.year)))
  if (years.size > 1)
    throw new QueryNotUnderstoodError(`query: must name one year, got ${[...years].join(' and ')} in ${JSON.stringify(query)}`)
  return years.values().next().value
}
