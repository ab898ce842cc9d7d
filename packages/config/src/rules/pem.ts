import { createPrivateKey, X509Certificate } from 'node:crypto'
import { toError } from '@cidadao/contracts'
import { MASK, Secret } from '../secret.ts'
import { defineRule, refuse, type Rule } from './rule.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** One or more PEM certificates. Checked here, so that a wrong file is not found out at the first connection. */
export const certificates: Rule<string> = defineRule({
  text: 'one or more PEM certificates (for a path there is the variable that ends in _FILE)',
  parse: (text) => {
    const pem = withLineBreaks(text)
    const found = pem.match(CERTIFICATE)
    if (found === null) return refuse()
    const broken = found.findIndex((certificate) => failureOf(() => new X509Certificate(certificate)) !== undefined)
    return broken < 0 ? pem : refuse(`certificate ${broken + 1} cannot be read`)
  },
  show: (text) => `(PEM certificates: ${withLineBreaks(text).match(CERTIFICATE)?.length ?? 0})`,
})

/** An unencrypted PEM private key. */
export const privateKey: Rule<Secret> = defineRule({
  text: 'an unencrypted PEM private key (for a path there is the variable that ends in _FILE)',
  secret: true,
  parse: (text) => {
    const pem = withLineBreaks(text)
    return failureOf(() => createPrivateKey(pem)) === undefined ? new Secret(pem) : refuse()
  },
  show: () => MASK,
})

/** Whether the private key belongs to the first certificate. */
export function isPair(certificate: string, key: Secret): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key.reveal()))
}

/** A PEM written in one line, as many deployment tools do, has its line breaks as `\n`. */
function withLineBreaks(text: string): string {
  return text.replaceAll('\\n', '\n')
}

function failureOf(attempt: () => unknown): Error | undefined {
  try {
    attempt()
    return undefined
  } catch (thrown) {
    return toError(thrown)
  }
}
