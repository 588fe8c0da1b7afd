export { type SignerClient, startSigner } from './client.ts'
export { generateKeys } from './generate-keys.ts'
export { grantChange, reducePolicy } from './policy-copy.ts'
export { ensureWrappingKey } from './wrapping-place.ts'
