import { defineRule, Refusal, refuse, type Rule } from './rule.ts'

/** Inclusive bounds, in the unit in which the variable is written. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** Digits only: no sign, space, exponent, fraction, hexadecimal or leading zero, which all mean that something else was intended. */
const WHOLE = /^(?:0|[1-9]\d{0,15})$/
/** To the millisecond. */
const DECIMAL = /^(?:0|[1-9]\d{0,8})(?:\.\d{1,3})?$/

const MS_PER_SECOND = 1_000

export function wholeNumber(bounds: Bounds, of = ''): Rule<number> {
  return defineRule({
    text: `a whole number${of} from ${bounds.min} to ${bounds.max}`,
    parse: (text) => within(bounds, WHOLE.test(text) ? Number(text) : undefined),
  })
}

/** Whole seconds in the variable, milliseconds in the configuration. */
export function wholeSeconds(bounds: Bounds): Rule<number> {
  const rule = wholeNumber(bounds, ' of seconds')
  return defineRule({
    text: rule.text,
    parse: (text) => toMs(rule.parse(text)),
  })
}

/** Seconds with up to three decimals in the variable, whole milliseconds in the configuration. */
export function decimalSeconds(bounds: Bounds): Rule<number> {
  return defineRule({
    text: `a number of seconds from ${bounds.min} to ${bounds.max} with at most 3 decimals`,
    parse: (text) => toMs(within(bounds, DECIMAL.test(text) ? Number(text) : undefined)),
  })
}

export function milliseconds(bounds: Bounds): Rule<number> {
  return wholeNumber(bounds, ' of milliseconds')
}

export function bytes(bounds: Bounds): Rule<number> {
  return wholeNumber(bounds, ' of bytes')
}

function within({ min, max }: Bounds, value: number | undefined): number | Refusal {
  return value !== undefined && value >= min && value <= max ? value : refuse()
}

function toMs(seconds: number | Refusal): number | Refusal {
  return seconds instanceof Refusal ? seconds : Math.round(seconds * MS_PER_SECOND)
}
