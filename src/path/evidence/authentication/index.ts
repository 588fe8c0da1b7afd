export { type Authentication, authenticate, authenticatePeer } from './authenticate.ts'
export { withLineEnds } from './message.ts'
export type { Peer, SpfVerdict } from './spf.ts'
