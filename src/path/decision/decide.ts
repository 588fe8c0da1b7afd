import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import { self, subjectOf } from './attribute.ts'
import * as acceptance from './checks/acceptance.ts'
import * as arrival from './checks/arrival.ts'
import * as author from './checks/author.ts'
import { type Check, type DecideInput, type Finding, type Matter, finding } from './checks/matter.ts'
import * as provider from './checks/provider.ts'
import * as signatures from './checks/signatures.ts'
import type { Decision, DecisionFacts, DecisionRecord, Permit, PermitRecord } from './decision.ts'
import { type RuleId, ruleOrder, rules } from './rules.ts'
import { lineOf, replyTo } from './wire.ts'

/** One function for each rule; the order is `ruleOrder`. */
const checks: Readonly<Record<RuleId, Check>> = {
  'line-endings': arrival.lineEndings,
  'message-too-big': arrival.messageTooBig,
  'too-many-recipients': arrival.tooManyRecipients,
  'storage-full': arrival.storageFull,
  suppressed: arrival.suppressed,
  'message-malformed': arrival.messageMalformed,
  'source-unproven': arrival.sourceUnproven,
  'evidence-duplicate': provider.evidenceDuplicate,
  'evidence-missing': provider.evidenceMissing,
  'evidence-conflict': provider.evidenceConflict,
  'consumer-tenant': provider.consumerService,
  'tenant-suspended': provider.tenantSuspended,
  'author-malformed': author.authorMalformed,
  'domain-not-owned': author.domainNotOwned,
  'domain-unproven': author.domainUnproven,
  'tenant-not-authorised': author.tenantNotAuthorised,
  'class-not-authorised': author.classNotAuthorised,
  'hybrid-host-not-listed': author.hybridHostNotListed,
  'reverse-path-not-owned': author.reversePathNotOwned,
  'sender-not-owned': author.senderNotOwned,
  'evidence-required': signatures.evidenceRequired,
  'lookup-failed': acceptance.lookupFailed,
  'key-not-ready': acceptance.keyNotReady,
  'system-fault': acceptance.systemFault,
  'rate-exceeded': acceptance.rateExceeded,
  held: acceptance.held,
  accepted: acceptance.accepted,
}

/** What may be said before the message has been seen. */
const rulesAtRcpt = ['suppressed'] as const satisfies readonly RuleId[]
const rulesAtMail = ['message-too-big', 'storage-full', 'source-unproven'] as const satisfies readonly RuleId[]

/**
 * Judges a message: the first rule of the table that applies answers, and silence is refusal. Pure: the same input gives the same
 * decision, today and on replay. It never throws; what it could not judge is a fault of ours and deferred.
 */
export function decide(input: DecideInput): Decision {
  try {
    const matter = matterOf(input)
    return conclude('data', matter, firstOf(ruleOrder, matter) ?? silence)
  } catch (thrown) {
    return fault('data', input, thrown)
  }
}

/** What is already certain at MAIL, or null: go on. */
export function decideAtMail(input: DecideInput): Decision | null {
  return decideEarly('mail', rulesAtMail, input)
}

/** What is already certain of one recipient, who is the only one of the evidence; or null: go on. */
export function decideAtRcpt(input: DecideInput): Decision | null {
  return decideEarly('rcpt', rulesAtRcpt, input)
}

function decideEarly(at: 'mail' | 'rcpt', order: readonly RuleId[], input: DecideInput): Decision | null {
  try {
    const matter = matterOf(input)
    const answer = firstOf(order, matter)
    return answer === null ? null : conclude(at, matter, answer)
  } catch (thrown) {
    return fault(at, input, thrown)
  }
}

/** A decision as flat data for the ledger; `replay()` and `explain()` read it. */
export function recordOf(decision: Decision): DecisionRecord {
  return { ...decision.facts, verdict: decision.verdict, rule: decision.rule, reply: lineOf(decision.reply) }
}

type Answer = Finding & { readonly rule: RuleId }

const silence: Answer = { rule: 'tenant-not-authorised', ...finding('no rule allowed it') }

/** A fault of ours answers before all: what it left of the facts may be too little to refuse anybody for good. */
function firstOf(order: readonly RuleId[], matter: Matter): Answer | null {
  if (matter.systemFault !== null) return { rule: 'system-fault', ...finding(matter.systemFault) }
  for (const rule of order) {
    const found = checks[rule](matter)
    if (found !== null) return { rule, ...found }
  }
  return null
}

function matterOf(input: DecideInput): Matter {
  return {
    ...input,
    systemFault: input.systemFault ?? null,
    subject: subjectOf(input.evidence, input.policy, input.now),
  }
}

function conclude(at: DecisionFacts['at'], matter: Matter, { rule, about, because }: Answer): Decision {
  const { id } = matter
  const judged = { id, rule, reply: replyTo(rule, about, id), facts: factsOf(at, matter, because) }
  switch (rules[rule].code) {
    case 250: {
      const permit = mint(matter)
      return rule === 'held'
        ? { ...judged, verdict: 'hold', permit, holdReason: because }
        : { ...judged, verdict: 'relay', permit }
    }
    case 451:
    case 452:
      return { ...judged, verdict: 'defer' }
    case 550:
    case 552:
    case 554:
      return { ...judged, verdict: 'refuse' }
    default:
      return rules[rule].code satisfies never
  }
}

/** The only place where a permit is made. */
function mint(matter: Matter): Permit {
  const { id, evidence, policy, subject, now } = matter
  const { attribution, author: domain, source, grant } = subject
  const granted = acceptance.isGranted(matter)
  if (
    !granted ||
    policy === null ||
    attribution === null ||
    domain === null ||
    source === null ||
    evidence.message === null
  ) {
    throw new Error('nothing grants what a rule accepted')
  }
  const record: PermitRecord = {
    id,
    customer: source.customer,
    source: source.id,
    grant: grant?.id ?? self,
    domain,
    class: evidence.message.class,
    attribution,
    policyVersion: policy.version,
    mintedAt: now,
  }
  return record as Permit
}

function factsOf(at: DecisionFacts['at'], matter: Matter, because: string): DecisionFacts {
  const { evidence, systemFault, policy, standing, counters, suppressed, now, subject } = matter
  return {
    at,
    evidence,
    systemFault,
    policyVersion: versionOf(policy),
    standing,
    counters,
    ...(suppressed === undefined ? {} : { suppressed }),
    now,
    customer: subject.owned?.customer ?? subject.source?.customer ?? null,
    source: subject.source?.id ?? null,
    grant: subject.grant?.id ?? null,
    because,
  }
}

function fault(at: DecisionFacts['at'], input: DecideInput, thrown: unknown): Decision {
  const because = thrown instanceof Error ? thrown.message : 'unexpected fault'
  const subject = { attribution: null, source: null, author: null, owned: null, grant: null }
  const matter = { ...input, systemFault: because, subject }
  const rule = 'system-fault'
  return {
    id: input.id,
    rule,
    reply: replyTo(rule, null, input.id),
    facts: factsOf(at, matter, because),
    verdict: 'defer',
  }
}

function versionOf(policy: PolicySnapshot | null): number {
  return policy === null ? 0 : policy.version
}
