import { type Dns, isDnsTrouble } from '../../../platform/dns.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Network, bitsOf, formatNetwork, networksOverlap, parseNetwork } from '../../../standards/names/ip.ts'
import { sharedRanges } from '../../../standards/providers/index.ts'

const recordName = 'spf.protection.outlook.com'
const maxNetworks = 100
/** A list is believed to change by steps, not by leaps: whoever can poison one answer must not be able to widen the door. */
const maxGrowth = 2
const maxShrink = 2

/** Never an Internet mail server's: RFC 6890 and its kin. */
const notPublic = `
  0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16
  198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 ::/8 64:ff9b::/96 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8`
  .trim()
  .split(/\s+/)
  .map((text) => parseNetwork(text))

/**
 * Exchange Online's outbound list from its SPF record (RFC 7208), or why it is not to be taken: trouble, a record of another shape, a block
 * wider than /12 (IPv6 /32), addresses that are not public or belong to another shared sender, or a size far from that of `inForce`.
 */
export async function readPublishedNetworks(
  dns: Dns,
  inForce: readonly Network[],
): Promise<{ readonly source: string; readonly networks: readonly Network[] } | { readonly because: string }> {
  const answer = await dns.txt(recordName)
  if (isDnsTrouble(answer)) return { because: `no answer for ${recordName}: ${answer.trouble}` }
  const records = answer.filter((text) => /^v=spf1(?: |$)/i.test(text))
  const [record, second] = records
  if (record === undefined) return { because: `${recordName} has no SPF record` }
  if (second !== undefined) return { because: `${recordName} has several SPF records` }
  const networks = readTerms(record)
  if (!Array.isArray(networks)) return { because: networks }
  const because = networks.map(blockFault).find((fault) => fault !== null) ?? sizeFault(networks, inForce)
  return because === undefined ? { source: `TXT ${recordName}`, networks } : { because }
}

function readTerms(record: string): Network[] | string {
  const terms = record
    .split(' ')
    .filter((term) => term !== '')
    .slice(1)
  if (terms.length > maxNetworks) return `the published list has more than ${maxNetworks} terms`
  const networks: Network[] = []
  for (const term of terms) {
    if (/^[-~?]all$/i.test(term)) continue
    const text = /^\+?ip[46]:(.+)$/i.exec(term)?.[1]
    const network = text === undefined ? null : parseNetwork(text)
    if (network === null || isSyntaxFault(network)) return 'the published list has a term that is no network'
    networks.push(network)
  }
  return networks
}

function blockFault(network: Network): string | null {
  const text = formatNetwork(network)
  if (network.prefix < (bitsOf(network.address) === 32 ? 12 : 32))
    return `${text} is too wide to be one provider's outbound block`
  if (notPublic.some((one) => !isSyntaxFault(one) && networksOverlap(one, network)))
    return `${text} is not public address space`
  const other = sharedRanges.find(
    (range) =>
      range.current && range.provider !== 'm365' && range.networks.some((one) => networksOverlap(one, network)),
  )
  return other === undefined ? null : `${text} overlaps ${other.name}`
}

function sizeFault(networks: readonly Network[], inForce: readonly Network[]): string | undefined {
  for (const bits of [32, 128] as const) {
    const [before, after] = [sizeOf(inForce, bits), sizeOf(networks, bits)]
    if (after > before * maxGrowth) return 'the published list has grown too much to be taken without a person'
    if (after < before / maxShrink) return 'the published list has shrunk too much to be taken without a person'
  }
  return undefined
}

/** Addresses of one family, in units of /32 or /64, overlaps counted twice. */
function sizeOf(networks: readonly Network[], bits: 32 | 128): number {
  const unit = bits === 32 ? 32 : 64
  return networks
    .filter((network) => bitsOf(network.address) === bits)
    .reduce((sum, network) => sum + 2 ** (unit - network.prefix), 0)
}
