export type { SignatureAlgorithm } from './algorithm.ts'
export { keyRecordName, parseKeyRecord, publicKeyOf } from './key-record.ts'
export { RelaxedBodyHash } from './relaxed-body-hash.ts'
