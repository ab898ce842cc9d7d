import { MASK } from '../secret.ts'

const LONGEST_SHOWN = 80

/**
 * A received value as an error may show it. An `@` means that somebody may have written credentials where none belong
 * (`redis://:password@host`), so such a value is masked whatever the variable.
 */
export function showReceived(text: string, options: { readonly secret: boolean }): string {
  if (text === '') return '""'
  if (options.secret || text.includes('@')) return MASK
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text)
}

/**
 * The path of a secret's file. Shown only if it looks like one: a secret put into `…_FILE` by mistake must not be
 * printed as the name of the file that does not exist.
 */
export function showSecretPath(path: string): string {
  if (path === '') return '""'
  return /^(?:\.{0,2}\/|[A-Za-z]:[\\/])/.test(path) ? JSON.stringify(path) : MASK
}
