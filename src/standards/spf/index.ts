export { type HostToCheck, type SpfOutcome, type SpfResult, checkHost } from './check-host.ts'
export { type SpfIdentity, spfIdentity } from './identity.ts'
