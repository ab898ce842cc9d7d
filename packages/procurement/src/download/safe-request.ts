import { lookup as resolveName, type LookupAddress } from 'node:dns'
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { InfraError, toError } from '@cidadao/contracts'
import { SourceAddressRefusedError, SourceDownloadError } from '../errors.ts'
import type { ReachableAddresses } from './download-options.ts'
import { isPublicAddress } from './private-addresses.ts'

interface SafeRequest {
  readonly addresses: ReachableAddresses
  readonly maxRedirects: number
  readonly signal: AbortSignal
}

const REDIRECTIONS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Only what says where: a query or a password may be secret. */
export function shownAddress({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`
}

/**
 * The answer with status 200 at `address`, after redirections. Each step must be http or https, may not fall back
 * from https to http, and may be asked to stay on the public internet. Names are resolved once and the address that
 * was checked is the one connected to, so a name cannot change its meaning in between.
 */
export async function requestSafely(address: string, options: SafeRequest): Promise<IncomingMessage> {
  let url = parseAddress(address)
  for (let step = 0; step <= options.maxRedirects; step++) {
    const answer = await requestOnce(url, options)
    const status = answer.statusCode ?? 0
    if (status === 200) return answer
    answer.destroy()
    const { location } = answer.headers
    if (!REDIRECTIONS.has(status) || location === undefined) throw failed(url, `answered with status ${status}`, { status })
    url = parseRedirection(location, url)
  }
  throw failed(url, `is redirected more than maxRedirects = ${options.maxRedirects} times`, {})
}

function parseAddress(address: string, base?: URL): URL {
  const url = URL.parse(address, base?.href)
  if (url === null) throw new SourceAddressRefusedError('the address is no URL')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(url, 'only http and https are fetched')
  if (url.username !== '' || url.password !== '') throw refused(url, 'an address may not hold a user or password')
  return url
}

function parseRedirection(location: string, from: URL): URL {
  const url = parseAddress(location, from)
  if (from.protocol === 'https:' && url.protocol === 'http:') throw refused(url, 'https may not redirect to http')
  return url
}

function requestOnce(url: URL, { addresses, signal }: SafeRequest): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (addresses === 'public-only' && isIP(host) !== 0 && !isPublicAddress(host)) throw refused(url, 'it lies inside a private network')
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  // No shared agent: a connection opened under other rules must not be used again.
  const settings = { signal, agent: false, lookup: lookupOf(url, addresses), headers: { accept: '*/*', 'accept-encoding': 'identity' } }
  return new Promise((resolve, reject) => {
    const onError = (thrown: Error): void => reject(translate(url, thrown))
    send(url, settings, resolve).once('error', onError).end()
  })
}

/** Resolves a name and refuses it when any of its addresses is private, before anything is connected. */
function lookupOf(url: URL, addresses: ReachableAddresses): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, found: readonly LookupAddress[]) => {
      if (error !== null) return callback(error, '', 4)
      const [first] = found
      if (first === undefined) return callback(new Error('the name has no address'), '', 4)
      if (addresses === 'public-only' && !found.every((one) => isPublicAddress(one.address))) {
        return callback(refused(url, 'it lies inside a private network'), '', 4)
      }
      if (options.all === true) return callback(null, [...found])
      callback(null, first.address, first.family)
    })
  }
}

function translate(url: URL, thrown: unknown): Error {
  if (thrown instanceof InfraError) return thrown
  const cause = toError(thrown)
  if (cause.name === 'AbortError') return cause
  const reason = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
  return failed(url, `cannot be reached (${reason})`, { reason })
}

function refused(url: URL, why: string): SourceAddressRefusedError {
  const address = shownAddress(url)
  return new SourceAddressRefusedError(`${address} is refused: ${why}`, { facts: { address } })
}

function failed(url: URL, what: string, facts: Readonly<Record<string, string | number>>): SourceDownloadError {
  const address = shownAddress(url)
  return new SourceDownloadError(`${address} ${what}`, { facts: { address, ...facts } })
}
