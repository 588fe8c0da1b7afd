import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'

declare const ip: unique symbol

/** An IP address in canonical text; an IPv4-mapped IPv6 address is the IPv4 address. Only `parseIp` makes it. */
export type IpAddress = string & { readonly [ip]: true }

/** An address block: `address` has no bits set beyond `prefix`. */
export type Network = {
  readonly address: IpAddress
  readonly prefix: number
}

/** Reads dotted-quad IPv4 (no octal, no short forms) or IPv6 text (RFC 4291 §2.2, no zone). */
export function parseIp(text: string): IpAddress | SyntaxFault {
  if (!text.includes(':')) return dottedQuad.test(text) ? (text as IpAddress) : syntaxFault('not an IPv4 address')
  const words = text.length > 45 ? null : readIpv6(text)
  if (words === null) return syntaxFault('not an IPv6 address')
  const isMapped = words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0)
  return (isMapped ? formatIpv4(words[6] ?? 0, words[7] ?? 0) : formatIpv6(words)) as IpAddress
}

const decimalOctet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const dottedQuad = new RegExp(`^${decimalOctet}(?:\\.${decimalOctet}){3}$`)
const hexWord = /^[0-9a-f]{1,4}$/i

function readIpv6(text: string): number[] | null {
  const halves = text.split('::')
  const [before = '', after] = halves
  if (halves.length > 2) return null
  const head = readWords(before, after === undefined)
  const tail = after === undefined ? [] : readWords(after, true)
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (after === undefined ? missing !== 0 : missing < 1) return null
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

/** `mayEndDotted`: the last 32 bits may be written as IPv4 where the address ends. */
function readWords(text: string, mayEndDotted: boolean): number[] | null {
  if (text === '') return []
  const words: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (hexWord.test(part)) words.push(Number.parseInt(part, 16))
    else if (mayEndDotted && at === parts.length - 1 && dottedQuad.test(part)) words.push(...ipv4Words(part))
    else return null
  }
  return words
}

function formatIpv4(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** RFC 5952 §4: lower case, no leading zeros, the first of the longest runs of two or more zero words shortened. */
function formatIpv6(words: readonly number[]): string {
  let [from, length] = [0, 1]
  for (let at = 0; at < 8; at++) {
    let end = at
    while (words[end] === 0) end++
    if (end - at > length) [from, length] = [at, end - at]
    at = Math.max(at, end)
  }
  const hex = (part: readonly number[]) => part.map((word) => word.toString(16)).join(':')
  return length < 2 ? hex(words) : `${hex(words.slice(0, from))}::${hex(words.slice(from + length))}`
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

type Level<T> = { readonly prefix: number; readonly byKey: Map<BlockKey, T> }

/** The address as 16-bit words, two or eight. Its text is canonical, so `::` stands at most once and there is no dotted tail. */
function wordsOf(address: IpAddress): number[] {
  if (!address.includes(':')) return ipv4Words(address)
  const [before, after] = address.split('::')
  const head = hexWords(before ?? '')
  const tail = after === undefined ? [] : hexWords(after)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

function ipv4Words(text: string): number[] {
  let value = 0
  let octet = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code !== dotCode) octet = octet * 10 + code - zeroCode
    else {
      value = (value << 8) | octet
      octet = 0
    }
  }
  value = (value << 8) | octet
  return [value >>> 16, value & 0xffff]
}

const dotCode = 0x2e
const zeroCode = 0x30

function hexWords(text: string): number[] {
  return text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16))
}

/** The first `prefix` bits of an address, the rest cleared: a number for IPv4, one code unit for each word of IPv6. */
type BlockKey = number | string

function keyOf(words: readonly number[], prefix: number): BlockKey {
  if (words.length === 2) {
    return (((words[0] as number) & wordMask(prefix)) * 0x10000 + ((words[1] as number) & wordMask(prefix - 16))) >>> 0
  }
  let key = ''
  for (let at = 0; at < words.length; at++)
    key += String.fromCharCode((words[at] as number) & wordMask(prefix - at * 16))
  return key
}

function hasOnlyPrefixBits(words: readonly number[], prefix: number): boolean {
  return words.every((word, at) => (word & ~wordMask(prefix - at * 16)) === 0)
}

/** The mask of one word when `bits` of the prefix are left at its start. */
function wordMask(bits: number): number {
  if (bits >= 16) return 0xffff
  return bits <= 0 ? 0 : (0xffff << (16 - bits)) & 0xffff
}
