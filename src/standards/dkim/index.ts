export { type SignatureAlgorithm, isSignatureAlgorithm } from './algorithm.ts'
export { type SignatureDraft, type SignatureRequest, buildSignature, signatureLifetime } from './build-signature.ts'
export {
  type KeyRecord,
  type KeyType,
  formatKeyRecord,
  keyRecordName,
  keyTypeOf,
  parseKeyRecord,
  publicKeyOf,
  publicKeyText,
} from './key-record.ts'
export { RelaxedBodyHash } from './relaxed-body-hash.ts'
export { relaxedField, writeRelaxedField } from './relaxed-header.ts'
export { type SignatureTags, isSelector, parseSignatureTags } from './signature-tags.ts'
