import type { Domain } from '../../../standards/names/domain.ts'
import type { DeliverySettings, Route, TlsPolicy } from '../settings.ts'

/** Where mail for a domain goes: to a named host, or to whatever DNS says. Recipients of one destination share transactions. */
export type Destination = {
  /** Names the destination for limits and records. */
  readonly key: string
  readonly tls: TlsPolicy
} & (
  | {
      readonly kind: 'host'
      readonly host: string
      readonly port: number
      /** PEM certificates to trust there instead of those of all other servers. */
      readonly roots?: readonly string[]
    }
  | { readonly kind: 'mx'; readonly domain: Domain }
)

export type RouteTable = { destinationOf(domain: Domain): Destination }

/** A table that finds the most exact route of a domain in as many steps as the domain has labels. */
export function routeTable(settings: Pick<DeliverySettings, 'routes'>): RouteTable {
  const exact = new Map<string, Route>()
  const below = new Map<string, Route>()
  let all: Route | null = null
  for (const route of settings.routes) {
    const name = route.domain.toLowerCase()
    if (name === '*') all ??= route
    else if (name.startsWith('*.')) setOnce(below, name.slice(2), route)
    else setOnce(exact, name, route)
  }
  return {
    destinationOf(domain) {
      const route = exact.get(domain) ?? nearest(below, domain) ?? all
      if (route === null) return { key: `mx:${domain}`, tls: 'opportunistic', kind: 'mx', domain }
      return destinationVia(route)
    },
  }
}

/** The destination that a route leads to, whatever the domain. */
export function destinationVia({ host, port, tls, roots }: Omit<Route, 'domain'>): Destination {
  const key = hostKey({ host, port, tls })
  return { key, tls, kind: 'host', host, port, ...(roots === undefined ? {} : { roots }) }
}

/** The key of the destination that is one host. */
export function hostKey({ host, port, tls }: Pick<Route, 'host' | 'port' | 'tls'>): string {
  return `host:${host.toLowerCase()}:${port}/${tls}`
}

function setOnce(table: Map<string, Route>, name: string, route: Route): void {
  if (!table.has(name)) table.set(name, route)
}

function nearest(below: ReadonlyMap<string, Route>, domain: string): Route | null {
  if (below.size === 0) return null
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    const route = below.get(domain.slice(dot + 1))
    if (route !== undefined) return route
  }
  return null
}
