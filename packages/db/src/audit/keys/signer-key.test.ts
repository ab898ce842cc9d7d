import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseVerifierKey } from '../transparency/note-key.ts'
import { AuditKeyError } from './key-errors.ts'
import { generateSignerKey, parseSignerKey } from './signer-key.ts'

/** The pair that the documentation of Go's package `sumdb/note` gives. */
const GO_SIGNER = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const GO_VERIFIER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const ORIGIN = 'audit.example/keys'

function refusalOf(text: string): AuditKeyError {
  try {
    parseSignerKey(text)
  } catch (error) {
    if (error instanceof AuditKeyError) return error
    throw error
  }
  throw new Error(`was accepted: ${text}`)
}

describe('a signing key in text', () => {
  it('is the one that other tools for signed notes write', () => {
    expect(parseSignerKey(GO_SIGNER).vkey).toBe(GO_VERIFIER)
    expect(parseSignerKey(`  ${GO_SIGNER}\r\n`).vkey).toBe(GO_VERIFIER)
  })

  it('is different each time it is made, and signs what its verifier key accepts', () => {
    const [one, other] = [generateSignerKey(ORIGIN), generateSignerKey(ORIGIN)]
    expect(one).not.toBe(other)
    const signer = parseSignerKey(one)
    expect(signer.name).toBe(ORIGIN)
    expect(parseVerifierKey(signer.vkey).verify('text\n', signer.sign('text\n'))).toBe(true)
    expect(parseVerifierKey(parseSignerKey(other).vkey).verify('text\n', signer.sign('text\n'))).toBe(false)
  })

  it('is refused with any character missing, and the refusal does not show it (pitfall 20)', () => {
    for (let at = 0; at < GO_SIGNER.length; at += 1) {
      const error = refusalOf(GO_SIGNER.slice(0, at) + GO_SIGNER.slice(at + 1))
      expect(error.code).toBe('DB_AUDIT_KEY_UNUSABLE')
      expect(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}`).not.toContain('FALVFGyNhPJEMzD1QIDr')
    }
  })

  it.each([
    ['nothing', ''],
    ['a verifier key', GO_VERIFIER],
    ['a key of another type', GO_SIGNER.replace('+AYEK', '+BIEK')],
    ['a name with a space', GO_SIGNER.replace('PeterNeumann', 'Peter Neumann')],
    ['the id of another name', GO_SIGNER.replace('PeterNeumann', 'PeterNewman')],
  ])('is refused where it is %s', (_name, text) => {
    expect(refusalOf(text).facts).toHaveProperty('rule')
  })

  it('is not in what its signer shows of itself (pitfall 20)', () => {
    const key = generateSignerKey(ORIGIN)
    const signer = parseSignerKey(key)
    const secret = Buffer.from(key.slice(key.lastIndexOf('+') + 1), 'base64').subarray(1)
    const shown = `${inspect(signer, { depth: 9, showHidden: true })}${JSON.stringify(signer)}`
    for (const encoding of ['base64', 'base64url', 'hex'] as const) expect(shown).not.toContain(secret.toString(encoding).slice(0, 40))
    expect(shown).toContain(signer.vkey)
  })
})
