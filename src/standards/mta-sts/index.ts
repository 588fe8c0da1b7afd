export { parseMtaStsRecords } from './record.ts'
export { type MtaStsPolicy, allowsMx, maxPolicyOctets, parseMtaStsPolicy } from './policy.ts'
