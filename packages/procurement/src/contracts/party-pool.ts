import { maskCpfs } from '../values/identifiers.ts'
import { detach, type TextPool } from '../table/text-pool.ts'
import type { PublicBody, Supplier } from './contract.ts'
import { toSupplier } from './supplier.ts'

const MAX_PARTIES = 65_536

/** One object for each body or supplier, however many rows it has. Bounded, as `TextPool` is. */
export class PartyPool<Party> {
  readonly #parties = new Map<string, { readonly name: string; readonly party: Party }>()
  readonly #create: (code: string, name: string) => Party

  constructor(create: (code: string, name: string) => Party) {
    this.#create = create
  }

  of(code: string, name: string): Party {
    const known = this.#parties.get(code)
    if (known?.name === name) return known.party
    if (this.#parties.size >= MAX_PARTIES) this.#parties.clear()
    const party = this.#create(code, name)
    this.#parties.set(detach(code), { name: detach(name), party })
    return party
  }
}

/** A pool for one level of the administration, since a ministry and its own administration share a code under two names. */
export function createBodyPool(texts: TextPool): PartyPool<PublicBody> {
  return new PartyPool((code, name) => ({ code: texts.share(code), name: texts.share(maskCpfs(name)) }))
}

export function createSupplierPool(): PartyPool<Supplier> {
  return new PartyPool((code, name) => detachSupplier(toSupplier(code, name)))
}

function detachSupplier(supplier: Supplier): Supplier {
  return { ...supplier, code: detach(supplier.code), name: detach(supplier.name) }
}
