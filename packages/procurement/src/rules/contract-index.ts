import type { CivilDate } from '../values/civil-date.ts'
import type { ContractFacts } from '../contracts/contract.ts'

/** What is kept of the first contract of a group, besides what the whole group shares. */
export interface FirstOfGroup {
  readonly file: string
  readonly row: number
  readonly line: number
  readonly number: string
  readonly publishedOn: CivilDate | null
}

/** How often the key of the contract just added had been seen before, with its date and without. */
export interface SeenBefore {
  readonly sameDay: number
  readonly anyDay: number
  /** Set on the second contract of a group. */
  readonly first: FirstOfGroup | undefined
}

const NONE = -1
const NO_DATE = -2_147_483_648
const INITIAL_CAPACITY = 1_024

/**
 * Counts contracts by (unit, supplier, value) and by the same with the date of signature, over a stream in which
 * nearly every key is new. Keys are compared in full, never by hash alone. Everything lies in typed arrays, some
 * fifty bytes a key: a Map of strings takes five times as much, and a national file has millions of keys.
 */
export class ContractIndex {
  readonly #texts = new Map<string, number>()
  readonly #oddNumbers = new Map<number, string>()
  readonly #files: string[] = []
  #size = 0
  #heads = new Int32Array(INITIAL_CAPACITY * 2).fill(NONE)
  #next = new Int32Array(INITIAL_CAPACITY)
  #unit = new Int32Array(INITIAL_CAPACITY)
  #supplier = new Int32Array(INITIAL_CAPACITY)
  #value = new BigInt64Array(INITIAL_CAPACITY)
  #signedOn = new Int32Array(INITIAL_CAPACITY)
  #publishedOn = new Int32Array(INITIAL_CAPACITY)
  #number = new Float64Array(INITIAL_CAPACITY)
  #row = new Uint32Array(INITIAL_CAPACITY)
  #line = new Uint32Array(INITIAL_CAPACITY)
  #file = new Uint16Array(INITIAL_CAPACITY)
  #sameDay = new Uint32Array(INITIAL_CAPACITY)
  /** Counted on the entry that came first of all days. */
  #anyDay = new Uint32Array(INITIAL_CAPACITY)

  add(contract: ContractFacts): SeenBefore {
    const unit = this.#idOf(contract.unit.code)
    const supplier = this.#idOf(contract.supplier.code)
    const signedOn = contract.signedOn ?? NO_DATE
    let leader = NONE
    let match = NONE
    for (let at = this.#heads[this.#slot(unit, supplier, contract.initialValue)] ?? NONE; at !== NONE; at = this.#next[at] ?? NONE) {
      if (this.#unit[at] !== unit || this.#supplier[at] !== supplier || this.#value[at] !== contract.initialValue) continue
      leader = at
      if (this.#signedOn[at] === signedOn) match = at
    }
    const entry = match === NONE ? this.#insert(contract, unit, supplier) : match
    const anyDay = bump(this.#anyDay, leader === NONE ? entry : leader)
    const sameDay = bump(this.#sameDay, entry)
    return { sameDay, anyDay, first: sameDay === 1 ? this.#firstAt(entry) : undefined }
  }

  #insert(contract: ContractFacts, unit: number, supplier: number): number {
    if (this.#size === this.#next.length) this.#grow()
    const entry = this.#size++
    this.#unit[entry] = unit
    this.#supplier[entry] = supplier
    this.#value[entry] = contract.initialValue
    this.#signedOn[entry] = contract.signedOn ?? NO_DATE
    this.#publishedOn[entry] = contract.publishedOn ?? NO_DATE
    this.#number[entry] = this.#packNumber(entry, contract.number)
    this.#row[entry] = contract.row
    this.#line[entry] = contract.line
    this.#file[entry] = this.#fileId(contract.file)
    this.#link(entry)
    return entry
  }

  #link(entry: number): void {
    const slot = this.#slot(this.#unit[entry] ?? 0, this.#supplier[entry] ?? 0, this.#value[entry] ?? 0n)
    this.#next[entry] = this.#heads[slot] ?? NONE
    this.#heads[slot] = entry
  }

  #slot(unit: number, supplier: number, value: bigint): number {
    const low = Number(BigInt.asUintN(32, value))
    let hash = Math.imul(unit ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(supplier, 0xc2b2ae35) ^ Math.imul(low, 0x27d4eb2f)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return (hash ^ (hash >>> 13)) & (this.#heads.length - 1)
  }

  #idOf(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    const id = this.#texts.size
    this.#texts.set(text, id)
    return id
  }

  #fileId(file: string): number {
    if (this.#files.at(-1) !== file) this.#files.push(file)
    return this.#files.length - 1
  }

  /** A leading 1 keeps the leading zeros. Numbers that are no digits, or too many, are rare and kept apart. */
  #packNumber(entry: number, number: string): number {
    if (/^\d{1,14}$/.test(number)) return Number(`1${number}`)
    this.#oddNumbers.set(entry, number)
    return 0
  }

  #firstAt(entry: number): FirstOfGroup {
    const publishedOn = this.#publishedOn[entry] ?? NO_DATE
    return {
      file: this.#files[this.#file[entry] ?? 0] ?? '',
      row: this.#row[entry] ?? 0,
      line: this.#line[entry] ?? 0,
      number: this.#oddNumbers.get(entry) ?? String(this.#number[entry] ?? 0).slice(1),
      publishedOn: publishedOn === NO_DATE ? null : (publishedOn as CivilDate),
    }
  }

  #grow(): void {
    const capacity = this.#next.length * 2
    this.#next = new Int32Array(capacity)
    this.#unit = enlarged(this.#unit, new Int32Array(capacity))
    this.#supplier = enlarged(this.#supplier, new Int32Array(capacity))
    this.#value = enlarged(this.#value, new BigInt64Array(capacity))
    this.#signedOn = enlarged(this.#signedOn, new Int32Array(capacity))
    this.#publishedOn = enlarged(this.#publishedOn, new Int32Array(capacity))
    this.#number = enlarged(this.#number, new Float64Array(capacity))
    this.#row = enlarged(this.#row, new Uint32Array(capacity))
    this.#line = enlarged(this.#line, new Uint32Array(capacity))
    this.#file = enlarged(this.#file, new Uint16Array(capacity))
    this.#sameDay = enlarged(this.#sameDay, new Uint32Array(capacity))
    this.#anyDay = enlarged(this.#anyDay, new Uint32Array(capacity))
    this.#heads = new Int32Array(capacity * 2).fill(NONE)
    for (let entry = 0; entry < this.#size; entry++) this.#link(entry)
  }
}

/** Adds one and gives what was there before. */
function bump(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0
  counts[at] = before + 1
  return before
}

function enlarged<Numbers extends { set(from: Numbers): void }>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}
