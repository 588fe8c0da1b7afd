export { type Authentication, type World, authenticate, authenticatePeer } from './authenticate.ts'
export { withLineEnds } from './message.ts'
export type { Peer, SpfVerdict } from './spf.ts'
