export type * from './evidence.ts'
export { recallEvidence } from './recall.ts'
export { type EvidenceRoom, openEvidence } from './room.ts'
