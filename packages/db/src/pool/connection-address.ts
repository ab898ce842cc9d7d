import { InvalidOptionsError } from '../errors/database-error.ts'

/** An address that node-postgres reads, and the session options that were hidden in it. */
export interface ConnectionAddress {
  readonly connectionString: string
  /** Command-line style options of the session, ours last, so that ours win. */
  readonly sessionOptions: string
}

/**
 * Every session is in UTC and ISO dates, whatever the server, the role or the database say: Prisma's adapter shifts
 * instants silently otherwise, and node-postgres misreads dates.
 */
const SESSION_OPTIONS = '-c TimeZone=UTC -c DateStyle=ISO'
const TLS_PARAMETERS = ['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert']

/** Takes the address apart. Throws `InvalidOptionsError`, never with the password in it. */
export function resolveAddress(url: string, tlsGiven: boolean): ConnectionAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !['postgres:', 'postgresql:'].includes(parsed.protocol)) {
    const received = parsed === undefined ? 'something that is no address' : `"${parsed.protocol}"`
    throw new InvalidOptionsError('url', 'must start with postgresql://', received)
  }
  const tlsParameter = TLS_PARAMETERS.find((name) => parsed.searchParams.has(name))
  if (tlsGiven && tlsParameter !== undefined) {
    throw new InvalidOptionsError('pool.tls', 'contradicts the address, which sets TLS as well', tlsParameter)
  }
  const own = parsed.searchParams.get('options')
  // A parameter of the address would override the option of the same name, so ours is merged and theirs removed.
  parsed.searchParams.delete('options')
  return { connectionString: parsed.href, sessionOptions: own === null ? SESSION_OPTIONS : `${own} ${SESSION_OPTIONS}` }
}
