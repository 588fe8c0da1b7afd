export type * from './evidence.ts'
export type { SignatureQuestion } from './signatures/question.ts'
export { recallEvidence } from './recall.ts'
export { type EvidenceRoom, openEvidence } from './room.ts'
