import { createHash } from 'node:crypto'
import type { Destination } from '../routing/route.ts'
import type { Resolution } from '../routing/targets.ts'

/** Names the servers that a destination shares with others: what limits, health and connections are kept by. */
export type SiteKey = string & { readonly site: unique symbol }

/** A longer list of servers is cut, and told from others by a digest. */
const longestKey = 255

/**
 * The site of a destination: its MX host names in lower case, sorted and joined by commas; `host:port` of a route; the domain itself
 * where it is its own mail server, and while it could not be resolved.
 */
export function siteOf(destination: Destination, resolution: Resolution): SiteKey {
  if (destination.kind === 'host') return hostSite(destination.host, destination.port)
  const names = resolution.kind === 'targets' ? resolution.exchanges : []
  if (names.length === 0) return destination.domain as string as SiteKey
  return shortened([...new Set(names.map(hostName))].toSorted().join(','))
}

/** A zone may hold a name with a comma in it, which must not look like the list of another's servers. */
function hostName(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/[^a-z0-9._-]/g, '?')
}

function hostSite(host: string, port: number): SiteKey {
  const name = host.toLowerCase()
  return `${name.includes(':') ? `[${name}]` : name}:${port}` as SiteKey
}

function shortened(names: string): SiteKey {
  if (names.length <= longestKey) return names as SiteKey
  const digest = createHash('sha256').update(names).digest('hex').slice(0, 16)
  return `${names.slice(0, longestKey - 20)}...#${digest}` as SiteKey
}
