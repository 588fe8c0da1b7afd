export type * from './evidence.ts'
export { restoreEvidence } from './restore.ts'
export { type EvidenceRoom, openEvidence } from './room.ts'
