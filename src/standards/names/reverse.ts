import ipaddr from 'ipaddr.js'
import type { IpAddress } from './ip.ts'

/** The name under which an address has its PTR records: in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
export function reverseName(address: IpAddress): string {
  const bytes = ipaddr.parse(address).toByteArray().toReversed()
  if (bytes.length === 4) return `${bytes.join('.')}.in-addr.arpa`
  const nibbles = bytes.flatMap((byte) => [byte & 15, byte >> 4]).map((nibble) => nibble.toString(16))
  return `${nibbles.join('.')}.ip6.arpa`
}
