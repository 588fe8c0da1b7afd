import type { Domain } from '../../../standards/names/domain.ts'
import type { CustomerDocument } from './schema.ts'

/** The id of the built-in customer, of its source and of its grant. */
export const selfId = 'self'

/** The built-in customer as if somebody had written it, for what goes by documents: its one grant is our own notifications. */
export function selfDocument(operator: Domain): CustomerDocument {
  const domain = { name: operator, proof: 'dns', includeSubdomains: false, dnsLock: false } as const
  return {
    id: selfId,
    name: 'This relay',
    plan: 'standard',
    contacts: [],
    domains: [{ ...domain, signing: { algorithms: ['rsa'] } }],
    sources: [],
    grants: [
      {
        id: selfId,
        source: selfId,
        domains: [operator],
        classes: ['notification'],
        evidence: { dkim: 'off', arc: 'off' },
        limits: {},
        approvedBy: 'the program',
        reason: 'delivery status notifications',
      },
    ],
  }
}
