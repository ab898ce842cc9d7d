import { isIP } from 'node:net'
import { MASK, Secret } from '../secret.ts'
import { defineRule, refuse, type Rule } from './rule.ts'

/** Exactly one of the words, in their own case. */
export function oneOf<const Word extends string>(words: readonly Word[]): Rule<Word> {
  return defineRule({ text: `one of ${words.join(', ')}`, parse: (text) => words.find((word) => word === text) ?? refuse() })
}

export const trueOrFalse: Rule<boolean> = defineRule({
  text: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : refuse()),
})

/** Text of which every character is allowed by `pattern`. */
export function matching(text: string, pattern: RegExp): Rule<string> {
  return defineRule({ text, parse: (value) => (pattern.test(value) ? value : refuse()) })
}

const PATH = /^(?!\s)[^\u0000-\u001f\u007f]+(?<!\s)$/

export const path: Rule<string> = matching('a path without control characters or spaces at its ends', PATH)

const ANY_TEXT = /[^]/

/** A secret of any content, or with a rule of its own. */
export function secretText(text = 'text', pattern: RegExp = ANY_TEXT): Rule<Secret> {
  return defineRule({
    text,
    secret: true,
    parse: (value) => (pattern.test(value) ? new Secret(value) : refuse()),
    show: () => MASK,
  })
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*\.?$/i

/** A name or an address, without brackets or a port. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  // `300.1.1.1` is nobody's name: only digits and dots that are no address are a slip.
  return HOST_NAME.test(text) && !/^[\d.]+$/.test(text)
}

export const host: Rule<string> = defineRule({
  text: 'a host name or an IP address, without port or brackets',
  parse: (text) => (isHost(text) ? text : refuse()),
})

export function isLoopback(hostName: string): boolean {
  return hostName === 'localhost' || hostName === '::1' || hostName === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostName)
}
