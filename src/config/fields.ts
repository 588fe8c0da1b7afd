import { z } from 'zod'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../standards/fault.ts'
import { parseDomain } from '../standards/names/domain.ts'
import { isLoopback } from '../standards/names/loopback.ts'
import { type Network, bitsOf, parseIp, parseNetwork } from '../standards/names/ip.ts'
import { parseDuration } from '../standards/yaml/duration.ts'
import { parsed } from '../standards/yaml/fields.ts'

export { durationField } from '../standards/yaml/fields.ts'

/** A duration, or `0` for none at all. */
export const graceField = z.preprocess(
  (value) => (value === 0 ? '0' : value),
  parsed((text): number | SyntaxFault => (text === '0' ? 0 : parseDuration(text))),
)

export const portField = z.int().min(0, 'must be 0 to 65535').max(65535, 'must be 0 to 65535')

/** A rotation more often than this would begin before the one before it has ended. */
const leastRotation = 30 * 86_400_000

/** `off`, which is null, or a duration of at least 30 days. */
export const rotationField = parsed((text): number | null | SyntaxFault => {
  if (text === 'off') return null
  const length = parseDuration(text)
  return !isSyntaxFault(length) && length >= leastRotation ? length : syntaxFault('must be off, or at least 30d')
})

/** `off`, which is null, or an https URL; plain http only on this machine. */
export const loginField = parsed((text): string | null | SyntaxFault => {
  if (text === 'off') return null
  const url = URL.canParse(text) ? new URL(text) : null
  const here = url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  const plain = url !== null && url.search === '' && url.hash === '' && url.username === ''
  return plain && (url.protocol === 'https:' || here) ? text : syntaxFault('must be off, or an https URL')
})

/** Where to listen: an address, or `localhost`. */
export const listenHostField = parsed((text): string | SyntaxFault => {
  if (text === 'localhost') return text
  const address = parseIp(text)
  return isSyntaxFault(address) ? syntaxFault('must be an IP address or localhost') : address
})

/** Where to connect to: an address or a name. */
export const remoteHostField = parsed((text): string | SyntaxFault => {
  const address = parseIp(text)
  return isSyntaxFault(address) ? parseDomain(text) : address
})

/** A provider's block: wider than this it would prove nobody. */
export const providerNetworkField = parsed((text): Network | SyntaxFault => {
  const network = parseNetwork(text)
  if (isSyntaxFault(network)) return network
  const widest = bitsOf(network.address) === 32 ? 12 : 32
  return network.prefix < widest ? syntaxFault(`is wider than /${widest}, so it proves no provider`) : network
})

/** A proxy's block. */
export const proxyNetworkField = parsed((text): Network | SyntaxFault => {
  const network = parseNetwork(text)
  if (isSyntaxFault(network)) return network
  return network.prefix === 0 ? syntaxFault('names every address; list the proxies') : network
})

/** `ADDRESS`, `ADDRESS:PORT` or `[IPV6]:PORT`. */
export const dnsServerField = parsed((text): string | SyntaxFault => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::([1-9][0-9]{0,4}))?$/.exec(text)
  const address = parseIp(match === null ? text : (match[1] ?? match[2] ?? ''))
  const port = match?.[3]
  if (isSyntaxFault(address) || Number(port ?? 53) > 65535) {
    return syntaxFault(
      'must be an IP address, with ":PORT" after it if it is not 53 (and an IPv6 address then in brackets)',
    )
  }
  const host = address.includes(':') ? `[${address}]` : address
  return port === undefined ? address : `${host}:${port}`
})

/** The recipient domains of a route: `*`, `example.com`, or `*.example.com` for all below it. */
export const routeDomainField = parsed((text): string | SyntaxFault => {
  if (text === '*') return text
  const below = text.startsWith('*.')
  const domain = parseDomain(below ? text.slice(2) : text)
  if (isSyntaxFault(domain)) return domain
  return below ? `*.${domain}` : domain
})

/** Where the wrapping key is. */
export const wrappingField = parsed((text): string | SyntaxFault =>
  /^(?:file:.+|env:[A-Za-z_][A-Za-z0-9_]*|command:.+)$/s.test(text)
    ? text
    : syntaxFault('must be file:PATH, env:NAME or command:COMMAND'),
)

/** A store's URL; the message never repeats it, since it may hold a password. */
export const storeUrlField = parsed((text): string | SyntaxFault => {
  if (/^postgres(?:ql)?:\/\//.test(text))
    return syntaxFault('this version keeps its records in SQLite only: use sqlite:PATH')
  return /^sqlite:.+$/.test(text) ? text : syntaxFault('must be sqlite:PATH')
})
