import { InfraError } from '@cidadao/contracts'

/** One thing wrong with one variable. */
export interface ConfigProblem {
  /** The variable to change. */
  readonly variable: string
  /** What is asked of it, as the predicate of a sentence: `must be a whole number from 1 to 1000`. */
  readonly rule: string
  /** The value as it may be shown: quoted and shortened, `***` for secrets, `null` where nothing was given. */
  readonly received: string | null
  /** Where the value came from: `environment`, `.env`, `file /run/secrets/password`. */
  readonly source: string
}

/** The configuration cannot be used. `problems` holds everything that is wrong, so that one edit mends it. */
export class ConfigError extends InfraError {
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const variables = [...new Set(problems.map((problem) => problem.variable))].join(', ')
    super(toMessage(problems), { facts: { variables, problems: problems.length } })
    this.problems = Object.freeze(problems.map((problem) => Object.freeze({ ...problem })))
  }
}

function toMessage(problems: readonly ConfigProblem[]): string {
  const lines = problems.map(toLine)
  const [only] = lines
  if (only !== undefined && lines.length === 1) return `configuration: ${only}`
  return [`configuration has ${lines.length} problems:`, ...lines.map((line) => `  ${line}`)].join('\n')
}

function toLine({ variable, rule, received, source }: ConfigProblem): string {
  return received === null ? `${variable} ${rule}` : `${variable} ${rule}; received ${received} (${source})`
}
