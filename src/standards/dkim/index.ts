export type { SignatureAlgorithm } from './algorithm.ts'
export { formatKeyRecord, keyRecordName, parseKeyRecord, publicKeyOf, publicKeyText } from './key-record.ts'
export { RelaxedBodyHash } from './relaxed-body-hash.ts'
