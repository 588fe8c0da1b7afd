export * from './decision.ts'
export { type RuleId, ruleOrder } from './rules.ts'
export { type Subject, counterKeysOf, standingKeyOf, subjectOf } from './attribute.ts'
export { type Rejudgement, type RejudgeInput, type Renewed, rejudge, sealLifetime, sealPermit } from './rejudge.ts'
