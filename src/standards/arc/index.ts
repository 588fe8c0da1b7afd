export type { ArcResult, ArcSealResult, ArcSetResult, ChainValidation } from './result.ts'
