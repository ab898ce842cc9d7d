import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A key and a certificate signed by itself, for the loopback address, as PEM text. Clients trust it as their CA. */
export interface TestCertificate {
  readonly certificate: string
  readonly privateKey: string
}

export interface TestCertificateOptions {
  /** @default a day ago */
  readonly notBefore?: Date
  /** @default in a day */
  readonly notAfter?: Date
}

const DAY_MS = 86_400_000
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')

/** X.509 written by hand (DER), as Node has no way to make one and `openssl` is not everywhere. */
export function createTestCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signatureAlgorithm = der(0x30, ECDSA_WITH_SHA256)
  const name = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from('localhost')))))
  const now = Date.now()
  const validity = der(0x30, utcTime(options.notBefore ?? new Date(now - DAY_MS)), utcTime(options.notAfter ?? new Date(now + DAY_MS)))
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    signatureAlgorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions())),
  )
  const signature = sign('sha256', body, privateKey)
  const certificate = der(0x30, body, signatureAlgorithm, der(0x03, Buffer.from([0]), signature))
  return { certificate: toPem(certificate), privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

function extensions(): Buffer[] {
  const isAuthority = der(0x30, BASIC_CONSTRAINTS, der(0x01, Buffer.from([0xff])), der(0x04, der(0x30, der(0x01, Buffer.from([0xff])))))
  const names = der(0x30, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  return [isAuthority, der(0x30, SUBJECT_ALT_NAME, der(0x04, names))]
}

/** One DER element: tag, length (long form from 128 on), contents. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const length = body.length < 0x80 ? Buffer.from([body.length]) : longLength(body.length)
  return Buffer.concat([Buffer.from([tag]), length, body])
}

function longLength(length: number): Buffer {
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
