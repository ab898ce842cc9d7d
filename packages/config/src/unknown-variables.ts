/** Ours alone: whatever has this prefix and is not known is a mistake. */
const OWN_PREFIX = 'CIDADAO_'
/** Shared with other programs: only what is nearly one of our names is taken for a mistake. */
const SHARED_PREFIXES = ['DATABASE_', 'REDIS_', 'CACHE_', 'CONNECTION_', 'QUERY_']
const SLIP = 2

export interface UnknownVariable {
  readonly name: string
  /** The known name that was probably meant. */
  readonly nearest: string | undefined
}

/** Names that were set and mean nothing here. */
export function findUnknownVariables(names: Iterable<string>, known: ReadonlySet<string>): UnknownVariable[] {
  const unknown: UnknownVariable[] = []
  for (const name of [...names].toSorted()) {
    if (known.has(name)) continue
    if (name.startsWith(OWN_PREFIX)) {
      unknown.push({ name, nearest: withAllWords(name, known) ?? nearestName(name, known, Math.ceil(name.length / 3)) })
    } else if (SHARED_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      const nearest = nearestName(name, known, SLIP)
      if (nearest !== undefined) unknown.push({ name, nearest })
    }
  }
  return unknown
}

/** The shortest candidate that has all words of the name: `CIDADAO_PORT` is `CIDADAO_HTTP_PORT`, though `CIDADAO_PRESET` has fewer edits. */
function withAllWords(name: string, candidates: Iterable<string>): string | undefined {
  const words = name.split('_')
  const hasAll = (candidate: string): boolean => {
    const others = new Set(candidate.split('_'))
    return words.every((word) => others.has(word))
  }
  return [...candidates].filter(hasAll).toSorted((a, b) => a.length - b.length)[0]
}

/** The candidate with the fewest edits, if they are at most `limit`; of several the first. */
export function nearestName(name: string, candidates: Iterable<string>, limit: number): string | undefined {
  let nearest: string | undefined
  let fewest = limit + 1
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate)
    if (distance < fewest) [nearest, fewest] = [candidate, distance]
  }
  return nearest
}

/** Levenshtein's distance: insertions, deletions and replacements of single characters. */
export function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [i, a] of Array.from(left).entries()) {
    const next = [i + 1]
    for (const [j, b] of Array.from(right).entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (a === b ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? left.length
}
