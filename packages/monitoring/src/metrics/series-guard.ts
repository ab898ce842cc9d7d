import { OTHER, type LabelRule, type LabelRules } from './metrics.ts'

export type LabelSet = Readonly<Record<string, string>>

interface Branch {
  readonly children: Map<string, Branch>
  /** Set on the last level only. */
  labels: LabelSet | undefined
}

interface GuardedLabel {
  readonly name: string
  /** Whether a new value may be taken in. */
  admits(value: string): boolean
  take(value: string): void
  release(value: string): void
}

export interface SeriesGuardOptions {
  readonly rules: LabelRules
  readonly maxSeries: number
  /** Told of each observation that lands under `other`. */
  readonly onOverflow: () => void
}

/** Longer label values are somebody's data, not a name. */
const LONGEST_VALUE = 128

/**
 * Bounds the label sets of one metric. A known label set costs one map lookup a label and returns one shared, frozen
 * object; an unknown one is admitted by the labels' rules or lands under `other`. What landed there is not remembered,
 * so that hostile values take no memory.
 */
export class SeriesGuard {
  readonly #labels: readonly GuardedLabel[]
  readonly #root: Branch = { children: new Map(), labels: undefined }
  readonly #maxSeries: number
  readonly #onOverflow: () => void
  #series = 0

  constructor(options: SeriesGuardOptions) {
    this.#labels = Object.entries(options.rules).map(([name, rule]) => guardLabel(name, rule))
    this.#maxSeries = options.maxSeries
    this.#onOverflow = options.onOverflow
    if (this.#labels.length === 0) this.#root.labels = Object.freeze({})
  }

  get size(): number {
    return this.#series
  }

  /** The label set to record under. */
  resolve(labels: LabelSet): LabelSet {
    return this.find(labels) ?? this.#admit(labels)
  }

  /** The label set if it is known already. */
  find(labels: LabelSet): LabelSet | undefined {
    let branch: Branch | undefined = this.#root
    for (const label of this.#labels) {
      // The empty string is never admitted, so a missing label finds nothing.
      branch = branch.children.get(labels[label.name] ?? '')
      if (branch === undefined) return undefined
    }
    return branch.labels
  }

  /** Makes room for another one. */
  forget(labels: LabelSet): void {
    const path = this.#labels.map((label) => labels[label.name] ?? '')
    if (path.length === 0 || this.#at(path) === undefined) return
    this.#labels.forEach((label, index) => {
      label.release(path[index] ?? '')
    })
    this.#series -= 1
    prune(this.#root, path)
  }

  #admit(labels: LabelSet): LabelSet {
    const values = this.#labels.map((label) => admitted(label, labels[label.name]))
    if (values.includes(undefined)) this.#onOverflow()
    const path = values.map((value) => value ?? OTHER)
    const known = this.#at(path)
    if (known !== undefined) return known
    if (this.#series < this.#maxSeries) return this.#insert(path)
    if (!values.includes(undefined)) this.#onOverflow()
    const allOther = this.#labels.map(() => OTHER)
    return this.#at(allOther) ?? this.#insert(allOther)
  }

  #at(path: readonly string[]): LabelSet | undefined {
    let branch: Branch | undefined = this.#root
    for (const value of path) branch = branch?.children.get(value)
    return branch?.labels
  }

  #insert(path: readonly string[]): LabelSet {
    let branch = this.#root
    const labels: Record<string, string> = {}
    this.#labels.forEach((label, index) => {
      const value = path[index] ?? OTHER
      labels[label.name] = value
      label.take(value)
      let next = branch.children.get(value)
      if (next === undefined) branch.children.set(value, (next = { children: new Map(), labels: undefined }))
      branch = next
    })
    this.#series += 1
    branch.labels = Object.freeze(labels)
    return branch.labels
  }
}

/** The value in the form that is recorded, or `undefined` where the rule does not admit it. */
function admitted(label: GuardedLabel, value: unknown): string | undefined {
  if (value === OTHER) return OTHER
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
  // See checkLabel: "|" would let two label sets meet in one series.
  const text = String(value).replaceAll('|', '/')
  if (text === '' || text.length > LONGEST_VALUE) return undefined
  return label.admits(text) ? text : undefined
}

function guardLabel(name: string, rule: LabelRule): GuardedLabel {
  if (!('limit' in rule)) {
    const allowed = new Set(rule)
    return { name, admits: (value) => allowed.has(value), take: () => {}, release: () => {} }
  }
  const uses = new Map<string, number>()
  return {
    name,
    admits: (value) => uses.has(value) || uses.size - (uses.has(OTHER) ? 1 : 0) < rule.limit,
    take: (value) => void uses.set(value, (uses.get(value) ?? 0) + 1),
    release: (value) => {
      const left = (uses.get(value) ?? 0) - 1
      if (left > 0) uses.set(value, left)
      else uses.delete(value)
    },
  }
}

/** Removes the leaf at the end of the path, and the branches that this leaves empty. */
function prune(branch: Branch, path: readonly string[]): void {
  const [value = '', ...rest] = path
  const next = branch.children.get(value)
  if (next === undefined) return
  if (rest.length > 0) prune(next, rest)
  if (next.children.size === 0) branch.children.delete(value)
}
