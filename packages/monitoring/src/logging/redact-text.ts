import { isIPv4 } from 'node:net'

/** What stands where a secret was. */
export const REDACTED = '[redacted]'

/** Longest text kept of one value, in UTF-16 units. */
const LONGEST_TEXT = 8_192
/** Read beyond the cut, so that a secret that the cut would divide is still seen whole. */
const OVERLAP = 2_048

/**
 * A CPF, formatted in any of the usual ways or as eleven bare digits. Masked the way the federal portal does. Digits
 * that are part of a longer word or number are none: hashes, UUIDs and decimals stay readable.
 */
const CPF = /(?<![\p{L}\p{N}]|\p{N}[.,])\d{3}([. ]?)(\d{3})\1(\d{3})[-‐‑–— ./]?\d{2}(?![\p{L}\p{N}]|[.,]\p{N})/gu
const CPF_AFTER_ITS_NAME = /(cpf\P{N}{0,4}?)\d{3}[. ]?(\d{3})[. ]?(\d{3})[-‐‑–— ./]?\d{2}(?!\p{N})/giu

/** Up to the last @ of the word, since a password may hold an unescaped @ or /. */
const CONNECTION_STRING = /\b(?!https?:)([a-z][a-z0-9+.-]{1,30}:\/\/)[^\s"'<>\\]{1,4096}@/gi
const WEB_CREDENTIALS = /\b(https?:\/\/)[^\s"'<>\\/?#]{1,4096}@/gi
const AUTH_SCHEME = /\b(bearer)(\s+)[\w.~+/=-]{8,}/gi
/** The other schemes are also words of prose, so what follows must look like a key. */
const OTHER_SCHEME = /\b(basic|token|apikey)(\s+)(?:(?=[\w.~+/=-]{0,200}\d)[\w.~+/=-]{8,}|[\w.~+/=-]{24,})/gi
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g
const KNOWN_KEY = /\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|npm|xox[abposr]|cidadao)[-_][\w-]{16,}|\bAKIA[0-9A-Z]{16}\b/g
const SHORTEST_KEY = 19
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g
/** `password=…`, `"api_key": "…"`, `senha: …`, also in JSON within a string. */
const ASSIGNMENT = new RegExp(
  [
    String.raw`([\w-]{0,40}(?:password|passwd|passphrase|senha|secret|segredo|token|api[_-]?key|chave[_-]?api`,
    String.raw`|private[_-]?key|access[_-]?key|authorization|cookie)[\w-]{0,20}(?:\\?["'])?\s{0,3}[:=]\s{0,3})`,
    // An already redacted value, a quoted one (its quotes perhaps escaped), or a word; a scheme takes its key along.
    String.raw`(?:\[redacted\]|\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s,;&"'}\])]+(?:\s\[redacted\])?)`,
  ].join(''),
  'gi',
)

/** The text without personal numbers, credentials and keys; cut where it is too long for a log line. */
export function redactText(text: string): string {
  if (text.length <= LONGEST_TEXT) return redactWhole(text)
  const redacted = redactWhole(text.slice(0, LONGEST_TEXT + OVERLAP))
  const kept = Math.min(LONGEST_TEXT, Math.max(0, redacted.length - OVERLAP))
  return `${redacted.slice(0, kept)}…[${text.length - kept} more]`
}

/** A CPF that came as a number has lost its leading zeros. */
export function maskCpfDigits(digits: string): string {
  const padded = digits.padStart(11, '0')
  return /^\d{11}$/.test(padded) ? `***.${padded.slice(3, 6)}.${padded.slice(6, 9)}-**` : REDACTED
}

function maskCpf(match: string, _separator: string, second: string, third: string): string {
  return isIPv4(match) ? match : `***.${second}.${third}-**`
}

/** Each pattern behind a cheap look for what it cannot do without: most texts of a log hold none of it. */
function redactWhole(text: string): string {
  let redacted = text
  if (text.includes('://')) redacted = redacted.replace(CONNECTION_STRING, '$1***@').replace(WEB_CREDENTIALS, '$1***@')
  if (text.includes('-----BEGIN')) redacted = redacted.replace(PRIVATE_KEY, REDACTED)
  if (text.includes('eyJ')) redacted = redacted.replace(JSON_WEB_TOKEN, REDACTED)
  if (text.length >= SHORTEST_KEY) redacted = redacted.replace(KNOWN_KEY, REDACTED)
  if (/\s/.test(text)) redacted = redacted.replace(AUTH_SCHEME, `$1$2${REDACTED}`).replace(OTHER_SCHEME, `$1$2${REDACTED}`)
  if (/[:=]/.test(text)) redacted = redacted.replace(ASSIGNMENT, `$1${REDACTED}`)
  if (!/\d{2}/.test(redacted)) return redacted
  return redacted.replace(CPF_AFTER_ITS_NAME, '$1***.$2.$3-**').replace(CPF, maskCpf)
}
