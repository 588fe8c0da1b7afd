import { isIPv4, isIPv6 } from 'node:net'

/** The lab plays attacks: it talks to this machine and to nothing else. Throws on any other address, and on every name. */
export function mustBeLoopback(address: string): void {
  if ((isIPv4(address) && address.startsWith('127.')) || (isIPv6(address) && address === '::1')) return
  throw new Error(`the lab refuses ${address}: it talks to loopback addresses only`)
}

/** Throws unless every place that this configuration of the product listens at, asks or delivers to is loopback. */
export function mustStayOnLoopback(configuration: { readonly [key: string]: unknown }): void {
  const { dns, delivery } = configuration as Reach
  if (dns?.servers === undefined || dns.servers.length === 0)
    throw new Error("the lab refuses to ask the system's DNS servers")
  for (const server of dns.servers) mustBeLoopback(server.replace(/:\d+$/, ''))
  if (delivery?.routes?.some((route) => route.domain === '*') !== true)
    throw new Error('the lab refuses to deliver by MX: a route for `*` must name a loopback address')
  for (const host of hostsIn(configuration)) mustBeLoopback(host)
}

type Reach = {
  readonly dns?: { readonly servers?: readonly string[] }
  readonly delivery?: { readonly routes?: readonly { readonly domain: string }[] }
}

/** Every value under a key `host`, however deep. */
function hostsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'host' && typeof inner === 'string' ? [inner] : hostsIn(inner),
  )
}
