export type { ArcResult, ArcSealResult, ArcSetResult, ChainValidation } from './result.ts'
export { type ArcVerification, openArcVerification } from './verification.ts'
