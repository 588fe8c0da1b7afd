export { type DmarcOutcome, type DmarcResult, type Identifier, evaluateDmarc } from './evaluate.ts'
export { type DmarcPolicy, policiesByStrength } from './record.ts'
