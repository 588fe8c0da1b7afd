import { isSyntaxFault } from '../fault.ts'
import { type IpAddress, NetworkTable, parseNetwork } from './ip.ts'

/** Blocks of the IANA special-purpose registries that no server of the public Internet has (RFC 6890), and multicast. */
const notPublic = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/8',
  '64:ff9b:1::/48',
  '100::/64',
  '2001:2::/48',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
]

const table = new NetworkTable(
  notPublic.map((text) => {
    const network = parseNetwork(text)
    if (isSyntaxFault(network)) throw new Error(`not a network: ${text}`)
    return [network, true] as const
  }),
)

/** Whether a server of the public Internet can have this address: not this machine, a private network or a block set apart. */
export function isPublicAddress(address: IpAddress): boolean {
  return table.lookup(address) === null
}
