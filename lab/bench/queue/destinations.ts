import type { Zone } from '../../world/zone.ts'

/** How a destination receives: `live`; or dead in one of the ways in which servers are. */
export type Kind = 'live' | 'refusing' | 'blackhole' | 'silent' | 'slow'

/** Loopback addresses that play the servers. Nobody listens at that of the refusing ones. */
export const addressOf: { readonly [kind in Exclude<Kind, 'live'>]: string } = {
  refusing: '127.20.0.1',
  blackhole: '127.21.0.1',
  silent: '127.22.0.1',
  slow: '127.23.0.1',
}

export const liveAddresses: readonly string[] = Array.from({ length: 16 }, (_, at) => `127.24.0.${at + 1}`)

const waysToBeDead = ['refusing', 'blackhole', 'silent', 'slow'] as const

export type Destinations = {
  readonly count: number
  readonly dead: number
  domain(at: number): string
  kindOf(at: number): Kind
}

/** Dead ones are spread evenly among the others, a quarter of each kind. */
export function destinationsOf(count: number, dead: number): Destinations {
  const every = dead === 0 ? Infinity : Math.floor(count / dead)
  return {
    count,
    dead,
    domain: (at) => `d${at}.queue.example`,
    kindOf: (at) => {
      const place = at / every
      return Number.isInteger(place) && place < dead
        ? (waysToBeDead[place % waysToBeDead.length] ?? 'refusing')
        : 'live'
    },
  }
}

/** DNS of them all: each has a mail server of its own name, so each is a site of its own. */
export function zoneOf(destinations: Destinations): Zone {
  const zone: Zone = {}
  for (let at = 0; at < destinations.count; at++) {
    const domain = destinations.domain(at)
    const kind = destinations.kindOf(at)
    const address = kind === 'live' ? (liveAddresses[at % liveAddresses.length] ?? '') : addressOf[kind]
    zone[domain] = { MX: [{ preference: 10, exchange: `mx.${domain}` }] }
    zone[`mx.${domain}`] = { A: [address] }
  }
  return zone
}
