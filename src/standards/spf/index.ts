export { type SpfOutcome, checkHost } from './check-host.ts'
export { spfIdentity } from './identity.ts'
