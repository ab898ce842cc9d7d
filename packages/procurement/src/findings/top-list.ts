/** A record with what it is ordered by: larger `rank` first, then as they stood in the source. */
export interface Ranked<Item> {
  readonly rank: readonly (number | bigint)[]
  readonly file: string
  readonly line: number
  readonly item: Item
}

/**
 * The most striking items of a stream, in a fixed order, and the exact count of all. Memory is bounded by `limit`.
 * The item is made only when it will be kept, since most never are.
 */
export class TopList<Item> {
  readonly #limit: number
  readonly #kept: Ranked<Item>[] = []
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get total(): number {
    return this.#total
  }

  add(rank: readonly (number | bigint)[], position: { readonly file: string; readonly line: number }, create: () => Item): void {
    this.#total++
    const place = { rank, file: position.file, line: position.line }
    const last = this.#kept.at(-1)
    if (this.#kept.length >= this.#limit && (last === undefined || compareRanked(place, last) >= 0)) return
    this.#kept.splice(this.#placeOf(place), 0, { ...place, item: create() })
    if (this.#kept.length > this.#limit) this.#kept.pop()
  }

  items(): readonly Item[] {
    return this.#kept.map((ranked) => ranked.item)
  }

  #placeOf(place: Omit<Ranked<Item>, 'item'>): number {
    let low = 0
    let high = this.#kept.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#kept[middle]
      if (other !== undefined && compareRanked(other, place) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

type Place = Omit<Ranked<unknown>, 'item'>

function compareRanked(left: Place, right: Place): number {
  for (let index = 0; index < left.rank.length; index++) {
    const value = left.rank[index]
    const other = right.rank[index]
    if (value !== undefined && other !== undefined && value !== other) return value > other ? -1 : 1
  }
  if (left.file !== right.file) return left.file < right.file ? -1 : 1
  return left.line - right.line
}
