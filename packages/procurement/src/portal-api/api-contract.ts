import type { ContractFacts, PublicBody } from '../contracts/contract.ts'
import { toSupplier } from '../contracts/supplier.ts'
import { PortalResponseError } from '../errors.ts'
import { parseBrazilianDate, parseIsoDate, type CivilDate } from '../values/civil-date.ts'
import { maskCpfs } from '../values/identifiers.ts'
import { parseDecimalMoney, type Money } from '../values/money.ts'

type Fields = Readonly<Record<string, unknown>>

/** Where a contract stands in the answers to a question. */
export interface AnswerPosition {
  readonly page: number
  readonly index: number
}

/**
 * One page of answers. Numbers are kept as they are written and never become floats. Throws `PortalResponseError`
 * where the page is no list of contracts in the documented format.
 */
export function parsePage(text: string, page: number): readonly ContractFacts[] {
  const rows = parseExactly(text, page)
  if (!Array.isArray(rows)) throw invalid(page, 'the answer is no list')
  return rows.map((row, index) => toContract(fieldsOf(row, page), { page, index }))
}

type ExactReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

function parseExactly(text: string, page: number): unknown {
  // The third parameter is in the language, and not yet in the types.
  const keepNumbers: ExactReviver = (_key, value, { source }) => (typeof value === 'number' ? source : value)
  try {
    return JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown)
  } catch (cause) {
    throw invalid(page, 'the answer is no JSON', cause)
  }
}

function toContract(row: Fields, { page, index }: AnswerPosition): ContractFacts {
  const unit = fieldsOf(row.unidadeGestora, page)
  const organ = fieldsOf(unit.orgaoVinculado, page)
  const superior = fieldsOf(unit.orgaoMaximo, page)
  const supplier = fieldsOf(row.fornecedor, page)
  const identifier = [supplier.cnpjFormatado, supplier.cpfFormatado, supplier.numeroInscricaoSocial].map(textOf).find((text) => text !== '')
  return {
    file: `contratos, page ${page}`,
    line: index + 1,
    row: index + 1,
    number: maskCpfs(textOf(row.numero)),
    modality: textOf(row.modalidadeCompra),
    legalBasis: maskCpfs(textOf(row.fundamentoLegal)),
    superiorOrgan: bodyOf(superior.codigo, superior.nome),
    organ: bodyOf(organ.codigoSIAFI, organ.nome),
    unit: bodyOf(unit.codigo, unit.nome),
    signedOn: dateOf(row.dataAssinatura, page),
    publishedOn: dateOf(row.dataPublicacaoDOU, page),
    supplier: toSupplier(identifier ?? '', textOf(supplier.nome)),
    initialValue: amountOf(row.valorInicialCompra, page),
    finalValue: amountOf(row.valorFinalCompra, page),
  }
}

function fieldsOf(value: unknown, page: number): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(page, 'a part of a contract is missing')
  return value as Fields
}

function bodyOf(code: unknown, name: unknown): PublicBody {
  return { code: textOf(code), name: maskCpfs(textOf(name)) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}

function dateOf(value: unknown, page: number): CivilDate | null {
  const text = textOf(value)
  if (text === '') return null
  const date = parseIsoDate(text.slice(0, 10)) ?? parseBrazilianDate(text)
  if (date === undefined) throw invalid(page, 'a date is none')
  return date
}

function amountOf(value: unknown, page: number): Money {
  const amount = parseDecimalMoney(withoutExponent(textOf(value)))
  if (amount === undefined) throw invalid(page, 'an amount is none')
  return amount
}

const EXPONENT = /^(-?\d+)(?:\.(\d+))?e\+?(\d{1,2})$/i

/** `5.552584E9` as `5552584000`: JSON may write an amount so, and a float would not be exact. */
function withoutExponent(text: string): string {
  const match = EXPONENT.exec(text)
  if (match === null) return text
  const [, integer = '', fraction = '', exponent = '0'] = match
  const shift = Number(exponent)
  const rest = fraction.slice(shift)
  return `${integer}${fraction.slice(0, shift).padEnd(shift, '0')}${rest === '' ? '' : `.${rest}`}`
}

function invalid(page: number, what: string, cause?: unknown): PortalResponseError {
  return new PortalResponseError(`page ${page} of the Portal's API is not in its documented format: ${what}`, { cause, facts: { page } })
}
