import { getPublicSuffix } from 'tldts'
import type { Domain } from '../../../standards/names/domain.ts'
import { isProviderOwnedDomain } from '../../../standards/providers/index.ts'

/** Why no customer can own this name, in words, or null. */
export function whyNotOwnable(domain: Domain): string | null {
  if (!domain.includes('.')) return 'needs at least two labels'
  if (domain.includes('_')) return 'holds an underscore, which no mail domain does'
  if (isProviderOwnedDomain(domain)) return 'belongs to a provider, who lends it to many: nobody can be granted it'
  const suffix = getPublicSuffix(domain, { allowPrivateDomains: true, validateHostname: false })
  return suffix === domain ? 'is a public suffix: many register names below it, and nobody owns it' : null
}
