import { googleOutbound } from './google.ts'
import {
  m365Consumer,
  m365Endpoints,
  m365Historical,
  m365Outbound,
  m365RelayPool,
  m365SovereignClouds,
} from './m365.ts'
import type { SharedRange } from './range.ts'
import { sharedServices } from './services.ts'

export type { SharedRange } from './range.ts'
export { isInitialDomain, m365Endpoints, m365Outbound, m365RelayPool, m365ReverseDomain, m365Sealer } from './m365.ts'
export { googleOutbound, workspaceOfDefaultKey } from './google.ts'
export { isConsumerOriginator, isProviderOwnedDomain } from './domains.ts'
export { isProviderCertificateName } from './certificates.ts'

/** Every shared sending range we know, current and former. Overlap of a policy's `network` source with any of them is an error. */
export const sharedRanges: readonly SharedRange[] = [
  m365Outbound,
  m365RelayPool,
  m365Endpoints,
  m365Consumer,
  m365SovereignClouds,
  m365Historical,
  googleOutbound,
  ...sharedServices,
]
