import { z } from 'zod'

/** What a rule says of a text that it does not take. */
export class Refusal {
  /** What is wrong in particular, where the rule alone does not say it: `entry 2 ("localhost") has no port`. */
  readonly details: readonly string[]

  constructor(details: readonly string[]) {
    this.details = details
  }
}

export function refuse(...details: readonly string[]): Refusal {
  return new Refusal(details)
}

/** How the text of a variable becomes a value, and how that is said to people. */
export interface Rule<Value> {
  /** Completes "NAME must be …". */
  readonly text: string
  /** Whether the text may never be shown. */
  readonly secret: boolean
  /** Never gets an empty text. */
  readonly parse: (text: string) => Value | Refusal
  /** The text of a valid value as a report may show it. */
  readonly show: (text: string) => string
}

export function defineRule<Value>(parts: Pick<Rule<Value>, 'text' | 'parse'> & Partial<Pick<Rule<Value>, 'secret' | 'show'>>): Rule<Value> {
  return Object.freeze({ secret: false, show: (text: string) => text, ...parts })
}

/** The rule as a zod schema; the details of a refusal are in the issue's `params.detail`. */
export function toSchema<Value>(rule: Rule<Value>): z.ZodType<Value, string> {
  return z.string().transform((text, context): Value => {
    const value = text === '' ? refuse('an empty value is not the same as none, remove the variable to leave it unset') : rule.parse(text)
    if (!(value instanceof Refusal)) return value
    context.addIssue({ code: 'custom', message: `must be ${rule.text}`, params: { detail: value.details.join('; ') } })
    return z.NEVER
  })
}
