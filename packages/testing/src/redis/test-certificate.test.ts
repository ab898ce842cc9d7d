import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createTestCertificate } from './test-certificate.ts'

describe('a certificate for tests', () => {
  it('is signed by itself, for the loopback address and its name, and fits its key', () => {
    const { certificate, privateKey } = createTestCertificate()
    const parsed = new X509Certificate(certificate)
    expect(parsed.verify(parsed.publicKey)).toBe(true)
    expect(parsed.checkPrivateKey(createPrivateKey(privateKey))).toBe(true)
    expect([parsed.checkIP('127.0.0.1'), parsed.checkHost('localhost')]).toEqual(['127.0.0.1', 'localhost'])
    expect([parsed.checkIP('10.0.0.1'), parsed.checkHost('example.org')]).toEqual([undefined, undefined])
    expect(parsed.ca).toBe(true)
  })

  it('is valid when it is told to be', () => {
    const parsed = new X509Certificate(
      createTestCertificate({ notBefore: new Date('2020-01-02T03:04:05Z'), notAfter: new Date('2021-06-07T08:09:10Z') }).certificate,
    )
    expect([Date.parse(parsed.validFrom), Date.parse(parsed.validTo)]).toEqual([
      Date.parse('2020-01-02T03:04:05Z'),
      Date.parse('2021-06-07T08:09:10Z'),
    ])
  })
})
