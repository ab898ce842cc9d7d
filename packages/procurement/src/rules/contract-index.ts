import type { ContractFacts } from '../contracts/contract.ts'
import type { CivilDate } from '../values/civil-date.ts'

/** What is kept of the first contract of a group, besides what the whole group shares. */
export interface FirstOfGroup {
  readonly file: string
  readonly line: number
  readonly number: string
  readonly publishedOn: CivilDate | null
}

/** How often a key has been seen before; more than twice is not told apart. */
export type SeenCount = 0 | 1 | 2

export interface SeenBefore {
  readonly sameDay: SeenCount
  readonly anyDay: SeenCount
  /** Set on the second contract of a group. */
  readonly first: FirstOfGroup | undefined
}

const NONE = -1
const NO_DATE = -2_147_483_648
const BLOCK_BITS = 14
const BLOCK_SIZE = 1 << BLOCK_BITS
const BLOCK_MASK = BLOCK_SIZE - 1

/** A column of entries each. Blocks, since growing one large array would for a moment need it twice. */
class Block {
  readonly next: Int32Array = new Int32Array(BLOCK_SIZE)
  readonly unit: Int32Array = new Int32Array(BLOCK_SIZE)
  readonly supplier: Int32Array = new Int32Array(BLOCK_SIZE)
  readonly value: BigInt64Array = new BigInt64Array(BLOCK_SIZE)
  readonly signedOn: Int32Array = new Int32Array(BLOCK_SIZE)
  readonly publishedOn: Int32Array = new Int32Array(BLOCK_SIZE)
  readonly number: Float64Array = new Float64Array(BLOCK_SIZE)
  readonly line: Uint32Array = new Uint32Array(BLOCK_SIZE)
  readonly file: Uint16Array = new Uint16Array(BLOCK_SIZE)
  readonly sameDay: Uint8Array = new Uint8Array(BLOCK_SIZE)
  /** Counted on the entry that came first of all days. */
  readonly anyDay: Uint8Array = new Uint8Array(BLOCK_SIZE)
}

interface Key {
  readonly unit: number
  readonly supplier: number
  readonly value: bigint
  readonly signedOn: number
}

/**
 * Counts contracts by (unit, supplier, value) and by the same with the date of signature, over a stream in which
 * nearly every key is new. Keys are compared in full, never by hash alone. Everything lies in typed arrays, some
 * fifty bytes a key: a Map of strings takes five times as much, and a national file has millions of keys.
 */
export class ContractIndex {
  readonly #texts = new Map<string, number>()
  readonly #oddNumbers = new Map<number, string>()
  readonly #files: string[] = []
  readonly #blocks: Block[] = []
  #heads = new Int32Array(BLOCK_SIZE).fill(NONE)
  #size = 0

  add(contract: ContractFacts): SeenBefore {
    const key = this.#keyOf(contract)
    const { leader, match } = this.#find(key)
    const entry = match === NONE ? this.#insert(key, contract) : match
    const anyDay = bump(this.#block(leader === NONE ? entry : leader).anyDay, leader === NONE ? entry : leader)
    const sameDay = bump(this.#block(entry).sameDay, entry)
    return { sameDay, anyDay, first: sameDay === 1 ? this.#firstAt(entry) : undefined }
  }

  #keyOf(contract: ContractFacts): Key {
    return {
      unit: this.#idOf(contract.unit.code),
      supplier: this.#idOf(contract.supplier.code),
      value: contract.initialValue,
      signedOn: contract.signedOn ?? NO_DATE,
    }
  }

  /** `match` has the same date; `leader` is the first entry whatever its date. New entries go before old ones. */
  #find(key: Key): { readonly leader: number; readonly match: number } {
    let leader = NONE
    let match = NONE
    for (let at = this.#heads[this.#slot(key)] ?? NONE; at !== NONE;) {
      const block = this.#block(at)
      const place = at & BLOCK_MASK
      if (block.unit[place] === key.unit && block.supplier[place] === key.supplier && block.value[place] === key.value) {
        leader = at
        if (block.signedOn[place] === key.signedOn) match = at
      }
      at = block.next[place] ?? NONE
    }
    return { leader, match }
  }

  #insert(key: Key, contract: ContractFacts): number {
    if (this.#size === this.#heads.length) this.#rehash()
    const entry = this.#size++
    if ((entry & BLOCK_MASK) === 0) this.#blocks.push(new Block())
    const block = this.#block(entry)
    const place = entry & BLOCK_MASK
    block.unit[place] = key.unit
    block.supplier[place] = key.supplier
    block.value[place] = key.value
    block.signedOn[place] = key.signedOn
    block.publishedOn[place] = contract.publishedOn ?? NO_DATE
    block.number[place] = this.#packNumber(entry, contract.number)
    block.line[place] = contract.line
    block.file[place] = this.#fileId(contract.file)
    this.#link(entry, key)
    return entry
  }

  #link(entry: number, key: Omit<Key, 'signedOn'>): void {
    const slot = this.#slot(key)
    this.#block(entry).next[entry & BLOCK_MASK] = this.#heads[slot] ?? NONE
    this.#heads[slot] = entry
  }

  #rehash(): void {
    this.#heads = new Int32Array(this.#heads.length * 2).fill(NONE)
    for (let entry = 0; entry < this.#size; entry++) {
      const { unit, supplier, value } = this.#block(entry)
      const place = entry & BLOCK_MASK
      this.#link(entry, { unit: unit[place] ?? 0, supplier: supplier[place] ?? 0, value: value[place] ?? 0n })
    }
  }

  #slot({ unit, supplier, value }: Omit<Key, 'signedOn'>): number {
    const low = Number(BigInt.asUintN(32, value))
    let hash = Math.imul(unit ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(supplier, 0xc2b2ae35) ^ Math.imul(low, 0x27d4eb2f)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return (hash ^ (hash >>> 13)) & (this.#heads.length - 1)
  }

  #block(entry: number): Block {
    const block = this.#blocks[entry >>> BLOCK_BITS]
    if (block === undefined) throw new RangeError(`no entry ${entry}`)
    return block
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
    const { publishedOn, number, line, file } = this.#block(entry)
    const place = entry & BLOCK_MASK
    const published = publishedOn[place] ?? NO_DATE
    return {
      file: this.#files[file[place] ?? 0] ?? '',
      line: line[place] ?? 0,
      number: this.#oddNumbers.get(entry) ?? String(number[place] ?? 0).slice(1),
      publishedOn: published === NO_DATE ? null : (published as CivilDate),
    }
  }
}

/** Adds one, up to two, and gives what was there before. */
function bump(counts: Uint8Array, entry: number): SeenCount {
  const place = entry & BLOCK_MASK
  const before = counts[place] ?? 0
  if (before === 0 || before === 1) {
    counts[place] = before + 1
    return before
  }
  return 2
}
