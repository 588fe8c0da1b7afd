import ipaddr from 'ipaddr.js'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'

declare const ip: unique symbol

/** An IP address in canonical text; an IPv4-mapped IPv6 address is the IPv4 address. Only `parseIp` makes it. */
export type IpAddress = string & { readonly [ip]: true }

/** An address block: `address` has no bits set beyond `prefix`. */
export type Network = {
  readonly address: IpAddress
  readonly prefix: number
}

/** Reads dotted-quad IPv4 (no octal, no short forms) or IPv6 text. */
export function parseIp(text: string): IpAddress | SyntaxFault {
  if (text.includes(':')) {
    if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return syntaxFault('not an IPv6 address')
    const six = ipaddr.IPv6.parse(text)
    return (six.isIPv4MappedAddress() ? six.toIPv4Address().toString() : six.toRFC5952String()) as IpAddress
  }
  if (!ipaddr.IPv4.isValidFourPartDecimal(text)) return syntaxFault('not an IPv4 address')
  return ipaddr.IPv4.parse(text).toString() as IpAddress
}

/** Reads `address` or `address/prefix`. Bits set beyond the prefix are a fault: they are nearly always a typing error. */
export function parseNetwork(text: string): Network | SyntaxFault {
  const slash = text.indexOf('/')
  const address = parseIp(slash === -1 ? text : text.slice(0, slash))
  if (isSyntaxFault(address)) return address
  const width = bitsOf(address)
  if (slash === -1) return { address, prefix: width }
  const digits = text.slice(slash + 1)
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > width) return syntaxFault('the prefix length is not a number in range')
  const prefix = Number(digits)
  if (maskText(address, prefix) !== address) return syntaxFault('the network has bits set beyond its prefix')
  return { address, prefix }
}

export function formatNetwork(network: Network): string {
  return network.prefix === bitsOf(network.address) ? network.address : `${network.address}/${network.prefix}`
}

/** 32 for IPv4, 128 for IPv6. */
export function bitsOf(address: IpAddress): 32 | 128 {
  return address.includes(':') ? 128 : 32
}

export function networkContains(network: Network, address: IpAddress): boolean {
  return bitsOf(network.address) === bitsOf(address) && maskText(address, network.prefix) === network.address
}

/** Whether the two blocks share an address, whichever is the wider. */
export function networksOverlap(a: Network, b: Network): boolean {
  return a.prefix <= b.prefix ? networkContains(a, b.address) : networkContains(b, a.address)
}

/**
 * A longest-prefix table: one probe for each distinct prefix length in it, whatever its size.
 * Later entries replace earlier ones for the same block.
 */
export class NetworkTable<T> {
  readonly #byPrefix = new Map<string, Map<string, T>>()
  readonly #lengths: { readonly 4: number[]; readonly 6: number[] } = { 4: [], 6: [] }

  constructor(entries: Iterable<readonly [Network, T]> = []) {
    for (const [network, value] of entries) this.#add(network, value)
  }

  #add(network: Network, value: T): void {
    const family = bitsOf(network.address) === 32 ? 4 : 6
    const key = `${family}/${network.prefix}`
    let level = this.#byPrefix.get(key)
    if (level === undefined) {
      level = new Map()
      this.#byPrefix.set(key, level)
      this.#lengths[family].push(network.prefix)
      this.#lengths[family].sort((x, y) => y - x)
    }
    level.set(network.address, value)
  }

  /** The value of the longest block that holds the address, or null. */
  lookup(address: IpAddress): T | null {
    const family = bitsOf(address) === 32 ? 4 : 6
    for (const prefix of this.#lengths[family]) {
      const hit = this.#byPrefix.get(`${family}/${prefix}`)?.get(maskText(address, prefix))
      if (hit !== undefined) return hit
    }
    return null
  }
}

/** The address with all bits beyond `prefix` cleared. */
function maskText(address: IpAddress, prefix: number): string {
  const bytes = ipaddr.parse(address).toByteArray()
  for (let bit = prefix; bit < bytes.length * 8; bit++) {
    const at = bit >> 3
    bytes[at] = (bytes[at] ?? 0) & ~(0x80 >> (bit & 7))
  }
  const masked = ipaddr.fromByteArray(bytes)
  return masked instanceof ipaddr.IPv6 ? masked.toRFC5952String() : masked.toString()
}
