import { MASK, Secret } from '../secret.ts'
import { defineRule, Refusal, refuse, type Rule } from './rule.ts'

export const DATABASE_SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
/**
 * As in libpq, without `allow` and `prefer`: they fall back to plain text in silence.
 * `require` encrypts without checking who answers; `verify-ca` checks the certificate; `verify-full` also its host name.
 */
export type DatabaseSslMode = (typeof DATABASE_SSL_MODES)[number]

/** A database URL taken apart as far as the configuration needs. */
export interface DatabaseAddress {
  /** Normalised: `postgresql://`, without parameters about TLS. */
  readonly url: Secret
  readonly hasPassword: boolean
  /** From the URL's `sslmode` (or asyncpg's `ssl`). */
  readonly sslMode?: DatabaseSslMode
}

const SCHEME = /^(?:postgres|postgresql(?:\+(?:asyncpg|psycopg2?))?):\/\//i
const SSL_MODE_PARAMETERS = ['sslmode', 'ssl']
const SSL_FILE_PARAMETERS = ['sslrootcert', 'sslcert', 'sslkey']

export const databaseUrl: Rule<DatabaseAddress> = defineRule({
  text: 'a URL postgresql://user:password@host:port/database (postgres:// and postgresql+asyncpg:// are the same)',
  secret: true,
  parse: parseDatabaseUrl,
  show: (text) => {
    const address = parseDatabaseUrl(text)
    if (address instanceof Refusal) return MASK
    return address.sslMode === undefined ? address.url.display : `${address.url.display}?sslmode=${address.sslMode}`
  },
})

function parseDatabaseUrl(text: string): DatabaseAddress | Refusal {
  if (!SCHEME.test(text)) return refuse(wrongScheme(text))
  const normal = text.replace(SCHEME, 'postgresql://')
  if (!URL.canParse(normal)) return refuse('it cannot be parsed; is each special character of the password percent-encoded?')
  const url = new URL(normal)
  const fault = faultOf(url)
  if (fault !== undefined) return refuse(fault)
  const sslMode = takeSslMode(url)
  if (sslMode instanceof Refusal) return sslMode
  return { url: toSecretUrl(url), hasPassword: url.password !== '', ...(sslMode === undefined ? {} : { sslMode }) }
}

/** Names the scheme only where there is one: a text without may be a bare password. */
function wrongScheme(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0]
  return scheme === undefined ? 'it does not start with postgresql://' : `its scheme is ${scheme.toLowerCase()}`
}

function faultOf(url: URL): string | undefined {
  if (url.hash !== '') return 'it has a #, write it as %23'
  if (url.hostname === '' && !url.searchParams.has('host')) return 'it has no host'
  if (url.hostname.includes(',')) return 'it has several hosts, only one is supported'
  if (url.port === '0') return 'its port is 0'
  if (!/^\/[^/]+$/.test(url.pathname)) return 'it names no database'
  if (!isDecodable(url.username) || !isDecodable(url.password)) return 'it has a % that encodes nothing, write it as %25'
  if (url.searchParams.has('password')) return 'it has a password among its parameters, which belongs before the @ or in DATABASE_PASSWORD'
  const file = SSL_FILE_PARAMETERS.find((name) => url.searchParams.has(name))
  if (file !== undefined) return `it has the parameter ${file}, use DATABASE_SSL_CA_FILE, DATABASE_SSL_CERT_FILE and DATABASE_SSL_KEY_FILE`
  return undefined
}

/** Removes the parameter, so that the driver takes TLS from one place only. */
function takeSslMode(url: URL): DatabaseSslMode | Refusal | undefined {
  const given = SSL_MODE_PARAMETERS.flatMap((name) => url.searchParams.getAll(name))
  if (given.length === 0) return undefined
  for (const name of SSL_MODE_PARAMETERS) url.searchParams.delete(name)
  const mode = DATABASE_SSL_MODES.find((name) => given.every((value) => value === name))
  return mode ?? refuse(`its sslmode is not one of ${DATABASE_SSL_MODES.join(', ')}`)
}

/** The same address with the password that came separately. */
export function withPassword(url: Secret, password: Secret): Secret {
  const whole = new URL(url.reveal())
  whole.password = encodeURIComponent(password.reveal())
  return toSecretUrl(whole)
}

function toSecretUrl(url: URL): Secret {
  const safe = new URL(url.href)
  if (safe.password !== '') safe.password = MASK
  // Parameters stay out of sight: drivers differ in what they take there.
  safe.search = ''
  return new Secret(url.href, safe.href)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch (thrown) {
    if (thrown instanceof URIError) return false
    throw thrown
  }
}
