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
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > width)
    return syntaxFault('the prefix length is not a number in range')
  const prefix = Number(digits)
  if (!hasOnlyPrefixBits(wordsOf(address), prefix)) return syntaxFault('the network has bits set beyond its prefix')
  return { address, prefix }
}

export function formatNetwork(network: Network): string {
  return network.prefix === bitsOf(network.address) ? network.address : `${network.address}/${network.prefix}`
}

/** 32 for IPv4, 128 for IPv6. */
export function bitsOf(address: IpAddress): 32 | 128 {
  return address.includes(':') ? 128 : 32
}

/** Whether the address lies in the block; never for the other family. */
export function networkContains(network: Network, address: IpAddress): boolean {
  if (bitsOf(network.address) !== bitsOf(address)) return false
  return keyOf(wordsOf(address), network.prefix) === keyOf(wordsOf(network.address), network.prefix)
}

/** Whether the two blocks share an address, whichever is the wider. */
export function networksOverlap(a: Network, b: Network): boolean {
  return a.prefix <= b.prefix ? networkContains(a, b.address) : networkContains(b, a.address)
}

/** A map key of the block of this length that holds the address: equal for two addresses of one block, and for nothing else. */
export function blockKey(address: IpAddress, prefix: number): string {
  return `${bitsOf(address)}/${prefix}/${keyOf(wordsOf(address), prefix)}`
}

/**
 * A longest-prefix table: one probe for each distinct prefix length in it, whatever its size.
 * Later entries replace earlier ones for the same block.
 */
export class NetworkTable<T> {
  readonly #levels: { readonly 32: Level<T>[]; readonly 128: Level<T>[] } = { 32: [], 128: [] }

  constructor(entries: Iterable<readonly [Network, T]> = []) {
    for (const [network, value] of entries) this.#add(network, value)
    for (const levels of [this.#levels[32], this.#levels[128]]) levels.sort((x, y) => y.prefix - x.prefix)
  }

  #add(network: Network, value: T): void {
    const levels = this.#levels[bitsOf(network.address)]
    let level = levels.find((one) => one.prefix === network.prefix)
    if (level === undefined) {
      level = { prefix: network.prefix, byKey: new Map() }
      levels.push(level)
    }
    level.byKey.set(keyOf(wordsOf(network.address), network.prefix), value)
  }

  /** The value of the longest block that holds the address, or null. */
  lookup(address: IpAddress): T | null {
    const words = wordsOf(address)
    for (const level of this.#levels[bitsOf(address)]) {
      const hit = level.byKey.get(keyOf(words, level.prefix))
      if (hit !== undefined) return hit
    }
    return null
  }
}

type Level<T> = { readonly prefix: number; readonly byKey: Map<string, T> }

/** The address as 16-bit words, two or eight. Its text is canonical, so `::` stands at most once and there is no dotted tail. */
function wordsOf(address: IpAddress): number[] {
  if (!address.includes(':')) {
    const [a, b, c, d] = address.split('.').map(Number)
    return [((a ?? 0) << 8) | (b ?? 0), ((c ?? 0) << 8) | (d ?? 0)]
  }
  const [before, after] = address.split('::')
  const head = hexWords(before ?? '')
  const tail = after === undefined ? [] : hexWords(after)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

function hexWords(text: string): number[] {
  return text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16))
}

/** The first `prefix` bits as a map key: one code unit for each word, the rest cleared. */
function keyOf(words: readonly number[], prefix: number): string {
  return String.fromCharCode(...words.map((word, at) => word & wordMask(prefix - at * 16)))
}

function hasOnlyPrefixBits(words: readonly number[], prefix: number): boolean {
  return words.every((word, at) => (word & ~wordMask(prefix - at * 16)) === 0)
}

/** The mask of one word when `bits` of the prefix are left at its start. */
function wordMask(bits: number): number {
  if (bits >= 16) return 0xffff
  return bits <= 0 ? 0 : (0xffff << (16 - bits)) & 0xffff
}
