import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { parseIp } from '../names/ip.ts'
import type { ProxyHeader } from './proxy-header.ts'

/** `\r\n\r\n\0\r\nQUIT\n` (PROXY protocol §2.2): no SMTP client says it. */
export const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Signature, version and command, family and protocol, length of the rest. */
const fixedOctets = 16

/** Addresses take at most 216 octets; the rest is what proxies add, certificates at the worst. */
const mostRest = 4096

const local = 0x20
const proxy = 0x21

/** Octets of an address by family and protocol; only TCP is ours. Others (unspecified, Unix, UDP) have no client that we could name. */
const addressOctets: { readonly [familyAndProtocol: number]: 4 | 16 } = { 0x11: 4, 0x21: 16 }

/** Version 2, from the signature on. Null while more octets are needed. */
export function readBinaryHeader(input: Buffer): ProxyHeader | SyntaxFault | null {
  if (input.length < fixedOctets) return null
  const command = input.readUInt8(12)
  if (command !== local && command !== proxy) return syntaxFault('the header is of another version or command')
  const rest = input.readUInt16BE(14)
  if (rest > mostRest) return syntaxFault('the header is too long')
  const length = fixedOctets + rest
  const octets = addressOctets[input.readUInt8(13)]
  if (command === proxy && octets !== undefined && rest < 2 * octets + 4)
    return syntaxFault('the header has no room for its addresses')
  if (input.length < length) return null
  if (command === local || octets === undefined) return { length, client: null }
  const address = parseIp(textOf(input.subarray(fixedOctets, fixedOctets + octets)))
  if (isSyntaxFault(address)) return address
  return { length, client: { address, port: input.readUInt16BE(fixedOctets + 2 * octets) } }
}

function textOf(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  return Array.from({ length: 8 }, (_one, at) => octets.readUInt16BE(2 * at).toString(16)).join(':')
}
