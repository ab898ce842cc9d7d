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

/** `contracts`: every rule. The others: one family of rules. */
export const QUESTION_KINDS = ['contracts', 'prices', 'splitting'] as const
export type QuestionKind = (typeof QUESTION_KINDS)[number]

/** What a question asks for, whoever asked it in whichever language. */
export interface Question {
  readonly kind: QuestionKind
  readonly language: Language
  /** The bodies whose contracts are meant; empty when the question names none. */
  readonly organs: readonly NamedOrgan[]
  /** Of publication; absent when the question names none. */
  readonly year?: number
  /** Fourteen characters without punctuation; absent when the question names no supplier by its CNPJ. */
  readonly supplierCnpj?: string
}

/** Longest question accepted, in characters. */
export const MAX_QUERY_LENGTH = 2_000

const CONTRACT_WORDS: Readonly<Record<Language, RegExp>> = {
  en: /\b(contracts?|purchases?|procurement|spending|prices?|splitting|everything|suppliers?)\b/,
  pt: /\b(contratos?|contratacao|contratacoes|compras?|gastos?|precos?|fracionamento|fornecedor(?:es)?|tudo)\b/,
}
const KIND_WORDS: readonly (readonly [QuestionKind, RegExp])[] = [
  ['splitting', /\b(splitting|split|fracionamento|fracionad[ao]s?)\b/],
  ['prices', /\b(prices?|overpric\w*|precos?|sobreprecos?)\b/],
]
const CNPJ = /(?<![\dA-Z])\d{2}\.?\d{3}\.?\d{3}\/?[\dA-Z]{4}-?\d{2}(?![\dA-Z])/i
/** Where a ministry is named; what follows is its name, up to where the next begins. */
const ORGAN_HEAD = /\b(?:(?:ministry|department|ministries) of (?:the )?|ministerios? d[aeo]s? )/g
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
  refuseUnknownOrgans(text, query, directory)
  const year = yearIn(text.replace(CNPJ_DIGITS, ' '), query)
  const kind = KIND_WORDS.find(([, words]) => words.test(text))?.[0] ?? 'contracts'
  const cnpj = CNPJ.exec(query)?.[0].replaceAll(/[./-]/g, '').toUpperCase()
  return { kind, language, organs, ...(year === undefined ? {} : { year }), ...(cnpj === undefined ? {} : { supplierCnpj: cnpj }) }
}

/** Every ministry that is named must be known, not only one of them: an answer about the others alone would not say so. */
function refuseUnknownOrgans(text: string, query: string, directory: OrganDirectory): void {
  const heads = [...text.matchAll(ORGAN_HEAD)]
  const unknown = heads.flatMap(({ index, 0: head }, position) => {
    const mention = text.slice(index, heads[position + 1]?.index)
    const isKnown = directory
      .find(mention)
      .some(({ code }) => !directory.find(mention.slice(head.length)).some((other) => other.code === code))
    return isKnown ? [] : [mention.split(' ').slice(0, SHOWN_WORDS).join(' ')]
  })
  if (unknown.length === 0) return
  const language: Language = heads.some(({ 0: head }) => head.startsWith('ministerio')) ? 'pt' : 'en'
  const known = directory.all.map((organ) => organ.name[language]).join(', ')
  throw new QueryNotUnderstoodError(
    `query: no known ministry is named by "${unknown.join('", "')}" in ${JSON.stringify(query)}; known are: ${known}`,
  )
}

const SHOWN_WORDS = 6
/** A CNPJ in folded text, whose digits are no year. */
const CNPJ_DIGITS = /\b\d{2} ?\d{3} ?\d{3} ?[\da-z]{4} ?\d{2}\b/

function yearIn(text: string, query: string): number | undefined {
  const years = new Set([...text.matchAll(YEAR)].map((match) => Number(match.groups?.year)))
  if (years.size > 1)
    throw new QueryNotUnderstoodError(`query: must name one year, got ${[...years].join(' and ')} in ${JSON.stringify(query)}`)
  return years.values().next().value
}
