import { BodyTooDeepError } from './problem-details.ts'

/** Deeper than any request here is. */
export const MAX_JSON_DEPTH = 20

/** Looks at the text, before anything is parsed: a megabyte of brackets must not become objects. @throws BodyTooDeepError */
export function requireShallowJson(text: string): void {
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (inText) {
      if (character === BACKSLASH) at++
      else if (character === QUOTE) inText = false
    } else if (character === QUOTE) inText = true
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      if (++depth > MAX_JSON_DEPTH) throw new BodyTooDeepError(`body: must not be nested deeper than ${MAX_JSON_DEPTH} levels`)
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
