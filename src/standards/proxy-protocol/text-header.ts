import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { parseIp } from '../names/ip.ts'
import type { ProxyHeader } from './proxy-header.ts'

/** With its CRLF (PROXY protocol §2.1). */
const mostOctets = 107

const word = Buffer.from('PROXY ')
const addresses = /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/
const decimal = /^(?:0|[1-9]\d*)$/

/** Version 1: `PROXY TCP4 SOURCE DESTINATION PORT PORT` or `PROXY UNKNOWN`, and CRLF. Null while more octets are needed. */
export function readTextHeader(input: Buffer): ProxyHeader | SyntaxFault | null {
  const begun = Math.min(input.length, word.length)
  if (!input.subarray(0, begun).equals(word.subarray(0, begun)))
    return syntaxFault('there is no header of the PROXY protocol')
  const end = input.subarray(0, mostOctets).indexOf('\r\n')
  if (end === -1) return input.length < mostOctets ? null : syntaxFault('the header has no end')
  const line = input.toString('latin1', 0, end)
  const length = end + 2
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { length, client: null }
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] = addresses.exec(line) ?? []
  const [address, ours] = [parseIp(source), parseIp(destination)]
  if (family === undefined || isSyntaxFault(address) || isSyntaxFault(ours))
    return syntaxFault('the header is malformed')
  // By the text: a proxy with an IPv6 socket writes an IPv4 client as ::ffff:192.0.2.1.
  if ([source, destination].some((one) => one.includes(':') !== (family === '6')))
    return syntaxFault('the header has addresses of another family')
  if (![sourcePort, destinationPort].every(isPort)) return syntaxFault('the header has a port that is none')
  return { length, client: { address, port: Number(sourcePort) } }
}

function isPort(text: string): boolean {
  return decimal.test(text) && Number(text) <= 65_535
}
