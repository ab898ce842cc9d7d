import { isIPv6 } from 'node:net'
import { MASK } from '../secret.ts'
import { defineRule, refuse, type Rule } from './rule.ts'
import { isHost } from './text-rules.ts'

/** One address of the Redis server or cluster. */
export interface RedisNode {
  /** Name or address; an IPv6 address stands here without its brackets. */
  readonly host: string
  readonly port: number
  /** Whether to connect with TLS; the same for all nodes. */
  readonly tls: boolean
}

const ENTRY = /^(?:(?<scheme>[a-z][a-z0-9+.-]*):\/\/)?(?<host>\[[^\]]*\]|[^:[\]]*)(?::(?<port>.*))?$/i
const HIGHEST_PORT = 65_535

/** `host:port,host:port`, the seed's notation, with IPv6 in brackets and `rediss://` for TLS. */
export const redisNodes: Rule<readonly RedisNode[]> = defineRule({
  text: 'a list host:port,host:port (IPv6 as [::1]:7000, TLS as rediss://host:port)',
  parse: (text) => {
    const nodes: RedisNode[] = []
    const details: string[] = []
    for (const [index, entry] of text.split(',').entries()) {
      const node = parseEntry(entry.trim())
      if (typeof node === 'string') details.push(`entry ${index + 1} (${showEntry(entry.trim())}) ${node}`)
      else nodes.push(node)
    }
    details.push(...repeatedAmong(nodes).map((address) => `${address} is listed twice`))
    if (new Set(nodes.map((node) => node.tls)).size > 1) details.push('either all entries are rediss:// or none is')
    return details.length === 0 ? nodes : refuse(...details)
  },
})

function showEntry(entry: string): string {
  return entry.includes('@') ? MASK : JSON.stringify(entry)
}

/** The node, or what is wrong with the entry. */
function parseEntry(entry: string): RedisNode | string {
  if (entry === '') return 'is empty'
  if (entry.includes('@')) return 'has credentials, which belong in REDIS_USERNAME and REDIS_PASSWORD'
  if (isIPv6(entry.replace(/^[a-z]+:\/\//i, ''))) return 'has an IPv6 address without brackets, write [address]:port'
  const parts = ENTRY.exec(entry)?.groups
  if (parts === undefined) return 'is not host:port'
  const { scheme, host = '', port = '' } = parts
  if (scheme !== undefined && !/^rediss?$/i.test(scheme)) return 'has a scheme other than redis:// or rediss://'
  const fault = faultOfHost(host) ?? faultOfPort(port)
  return fault ?? { host: toCanonicalHost(host), port: Number(port), tls: scheme?.toLowerCase() === 'rediss' }
}

function faultOfHost(host: string): string | undefined {
  if (host === '') return 'has no host'
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1)) ? undefined : 'has no valid IPv6 address between its brackets'
  return isHost(host) ? undefined : 'has no valid host'
}

function faultOfPort(port: string): string | undefined {
  if (port === '') return 'has no port'
  return /^[1-9]\d{0,4}$/.test(port) && Number(port) <= HIGHEST_PORT ? undefined : `has no port from 1 to ${HIGHEST_PORT}`
}

/** One spelling for each address, or `[::1]` and `[0:0:0:0:0:0:0:1]` would pass for two nodes. */
function toCanonicalHost(host: string): string {
  if (!host.startsWith('[')) return host.toLowerCase()
  // A zone (`%eth0`) has no other spelling, and no place in a URL.
  return host.includes('%') ? host.slice(1, -1) : new URL(`http://${host}`).hostname.slice(1, -1)
}

function repeatedAmong(nodes: readonly RedisNode[]): string[] {
  const addresses = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  return [...new Set(addresses.filter((address, index) => addresses.indexOf(address) < index))]
}
