export type { ArcResult, ArcSetResult } from './result.ts'
export { openArcVerification } from './verification.ts'
