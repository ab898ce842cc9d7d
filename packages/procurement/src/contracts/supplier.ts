import { isValidCnpj, isValidCpf, maskCpfs, normalizeCnpj, type IdentifierCheck } from '../values/identifiers.ts'
import type { Supplier, SupplierKind } from './contract.ts'

/** The Portal's code for a supplier whose identity the law protects. */
const CONFIDENTIAL = '-11'
const MASKED_CPF = /^\*{3}\.\d{3}\.\d{3}-\*{2}$/
const BARE_CPF = /^\d{3}\.?\d{3}\.?\d{3}-?\d{2}$/
const FOREIGN = /^(?:EX\d+|\d{1,13})$/
const CODE_OF_NOTHING = /^-\d+$/

/** Tells which of its shapes a supplier's code has; masks it, and checks its digits before that. */
export function toSupplier(rawCode: string, rawName: string): Supplier {
  const name = maskCpfs(rawName)
  const cnpj = normalizeCnpj(rawCode)
  if (cnpj !== undefined) return { kind: 'cnpj', code: cnpj, name, check: isValidCnpj(cnpj) ? 'valid' : 'invalid' }
  if (BARE_CPF.test(rawCode)) return { kind: 'cpf', code: maskCpfs(rawCode), name, check: checkOfCpf(rawCode) }
  return { kind: kindOf(rawCode), code: maskCpfs(rawCode), name, check: 'not-checkable' }
}

function checkOfCpf(rawCode: string): IdentifierCheck {
  return isValidCpf(rawCode.replaceAll(/\D/g, '')) ? 'valid' : 'invalid'
}

function kindOf(code: string): SupplierKind {
  if (code === CONFIDENTIAL) return 'confidential'
  if (code === '' || CODE_OF_NOTHING.test(code)) return 'unidentified'
  if (MASKED_CPF.test(code)) return 'cpf'
  return FOREIGN.test(code) ? 'foreign' : 'name'
}

/** Whether two contracts with this supplier's code are known to have the same supplier. */
export function isIdentified(supplier: Supplier): boolean {
  return supplier.kind !== 'confidential' && supplier.kind !== 'unidentified'
}
