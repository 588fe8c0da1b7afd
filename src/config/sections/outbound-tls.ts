import { z } from 'zod'
import { described, path } from './shape.ts'

/** Keys of `delivery` about how connections to other servers are protected. */
export const outboundTlsFields = {
  tlsCa: described(
    path.prefault('system'),
    'Whose certificates are believed in mail servers and in servers of MTA-STS policies: `system`, or a PEM file with the certificates of the authorities to believe instead. With a file, such servers may have private addresses.',
  ),
  mtaSts: described(
    z.enum(['on', 'off']).prefault('on'),
    'Whether MTA-STS policies of recipient domains are fetched and followed (RFC 8461).',
  ),
  mtaStsPort: described(
    z.int().min(1, 'must be 1 to 65535').max(65535, 'must be 1 to 65535').prefault(443),
    'Port of the servers of MTA-STS policies.',
  ),
  dane: described(
    z.enum(['auto', 'on', 'off']).prefault('auto'),
    'Whether TLSA records of mail servers are followed (RFC 7672). It needs a resolver that validates DNSSEC and says so by the AD bit: `auto` believes the bit where every resolver is on this machine, `on` wherever it is, which asks for a network that nobody else writes to. `anechoic doctor` tells whether the resolver validates.',
  ),
  tlsReports: described(
    z.enum(['on', 'off']).prefault('on'),
    'Whether domains that ask for it are sent a daily report on how TLS with them went (RFC 8460). By mail only once operator.domain has a key.',
  ),
}
