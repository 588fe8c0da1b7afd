import { hash } from 'node:crypto'
import type { ActiveKey, PolicySnapshot } from '../../rooms/registry/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { sealMac } from '../../standards/seal.ts'
import type { Secret } from '../../standards/secret.ts'
import { Fault } from '../../standards/smtp/fault.ts'
import { reply } from '../../standards/smtp/reply.ts'
import type { LockEvidence } from '../evidence/evidence.ts'
import { lockGap } from './lock.ts'
import { findSource, self } from './attribute.ts'
import { grantOf, grantsClass, keysFor, listsHost, proofGap } from './authority.ts'
import type { PermitRecord, SealedPermit, StandingFacts } from './decision.ts'
import type { RuleId } from './rules.ts'

declare const renewal: unique symbol

/** A seal is good for this many milliseconds after the judgement behind it. */
export const sealLifetime = 60_000

/** A stored permit that holds under the policy of this moment. Only `rejudge()` makes one; it is what `sealPermit()` asks for. */
export type Renewed = {
  readonly permit: PermitRecord
  readonly policyVersion: number
  /** The keys that may sign for it, RSA first; never empty. */
  readonly keys: readonly ActiveKey[]
  /** Milliseconds since the epoch. */
  readonly judgedAt: number
  readonly [renewal]: true
}

export type Rejudgement =
  | { readonly kind: 'renewed'; readonly permit: Renewed; readonly keys: readonly ActiveKey[] }
  /** Our own notification while the operator domain is unproven or has no key: it goes out without a signature. Never said of a customer's mail. */
  | { readonly kind: 'unsigned'; readonly because: string }
  /** The grant stands but no key is active, or DNS does not tell what it must: try again, never send unsigned. */
  | { readonly kind: 'not-ready'; readonly rule: 'key-not-ready' | 'lookup-failed'; readonly because: string }
  /** It would no longer be accepted: hold it with this reason. */
  | { readonly kind: 'withdrawn'; readonly rule: RuleId; readonly because: string }

export type RejudgeInput = {
  readonly permit: PermitRecord
  readonly policy: PolicySnapshot
  readonly standing: StandingFacts
  /** What the owner of the domain allows in DNS, where the policy puts it under a lock; null when that was not read lately. */
  readonly lock?: LockEvidence | null
  /** `operator.domain` of the configuration: the only domain for which our own mail may be signed. */
  readonly operator: Domain
  readonly now: number
}

type Gap = { readonly rule: RuleId; readonly because: string }

/**
 * Judges a stored permit again, just before the wire: what the connection proved still finds a source of the same customer, and that
 * customer's policy still grants it this domain and class. It asks no counter and no network, and of the record it believes only what
 * the policy of this moment bears out.
 */
export function rejudge(input: RejudgeInput): Rejudgement {
  const { permit, policy, now } = input
  if (permit.attribution.kind === 'self') return rejudgeSelf(input)
  const gap = withdrawal(input)
  // What DNS does not tell now it may tell soon: that withdraws nothing, and nothing leaves meanwhile.
  if (gap?.rule === 'lookup-failed') return { kind: 'not-ready', rule: gap.rule, because: gap.because }
  if (gap !== null) return { kind: 'withdrawn', ...gap }
  const keys = keysFor(policy, permit.customer, permit.source, permit.domain)
  if (keys.length > 0) return renewed(permit, policy, keys, now)
  return {
    kind: 'not-ready',
    rule: 'key-not-ready',
    because: `no key of ${permit.domain} for ${permit.source} is active`,
  }
}

/**
 * Seals a renewed permit for one signature by one of its keys over `signingInput` (the octets that the signer will sign).
 * The seal ends `sealLifetime` after the judgement; sealing later than that, or with another key, is a fault of ours.
 */
export function sealPermit(
  permit: Renewed,
  key: ActiveKey,
  signingInput: Buffer,
  sealingKey: Secret<Buffer>,
  now: number,
): SealedPermit {
  const expiresAt = permit.judgedAt + sealLifetime
  if (now > expiresAt) throw ourFault('the judgement behind this seal is too old')
  if (!permit.keys.some((one) => one.selector === key.selector && one.domain === key.domain)) {
    throw ourFault('the key is none of those that the permit was renewed with')
  }
  const fields = {
    customer: key.customer,
    domain: key.domain,
    source: key.source,
    selector: key.selector,
    policyVersion: permit.policyVersion,
    expiresAt,
    inputHash: hash('sha256', signingInput, 'buffer'),
  }
  return { ...fields, mac: sealMac(sealingKey, fields) } as SealedPermit
}

/** The first rule of the table that the stored permit would break today, or null. */
function withdrawal({ permit, policy, standing, lock, now }: RejudgeInput): Gap | null {
  if (standing.suspended !== null) return { rule: 'tenant-suspended', because: standing.suspended.reason }
  const owned = policy.ownerOf(permit.domain)
  if (owned === null) return { rule: 'domain-not-owned', because: `${permit.domain} is no customer's any more` }
  const unproven = proofGap(owned, policy, now)
  if (unproven !== null) return { rule: 'domain-unproven', because: unproven }
  const source = findSource(permit.attribution, policy, now)
  const grant = source === null ? null : grantOf(policy, source, owned, permit.domain)
  if (source === null || grant === null || source.customer !== permit.customer || source.id !== permit.source) {
    return {
      rule: 'tenant-not-authorised',
      because: `the owner of ${permit.domain} no longer grants it to the source ${permit.source}`,
    }
  }
  if (!grantsClass(grant, permit.class)) {
    return { rule: 'class-not-authorised', because: `the grant ${grant.id} no longer names the class ${permit.class}` }
  }
  const host = permit.attribution.kind === 'm365' ? permit.attribution.connectingHost : null
  if (permit.class === 'hybrid' && !listsHost(source, host)) {
    return {
      rule: 'hybrid-host-not-listed',
      because: `the host ${host ?? 'unknown'} is no longer listed for ${source.id}`,
    }
  }
  const { attribution, class: messageClass } = permit
  return lockGap(owned, lock ?? null, { source, attribution, messageClass })
}

/** Our own notifications speak for the operator domain and nothing else, whatever the record says. */
function rejudgeSelf({ permit, policy, operator, now }: RejudgeInput): Rejudgement {
  if (permit.domain !== operator || permit.class !== 'notification') {
    return {
      kind: 'withdrawn',
      rule: 'tenant-not-authorised',
      because: `our own mail speaks for ${operator} only, as notifications`,
    }
  }
  const owned = policy.ownerOf(operator)
  const gap = owned === null ? `${operator} is in no customer's policy` : proofGap(owned, policy, now)
  if (owned === null || gap !== null) return { kind: 'unsigned', because: gap ?? `${operator} is unproven` }
  const keys = keysFor(policy, owned.customer, self, operator)
  return keys.length > 0
    ? renewed(permit, policy, keys, now)
    : { kind: 'unsigned', because: `${operator} has no active key` }
}

function renewed(permit: PermitRecord, policy: PolicySnapshot, keys: readonly ActiveKey[], now: number): Rejudgement {
  return { kind: 'renewed', permit: { permit, policyVersion: policy.version, keys, judgedAt: now } as Renewed, keys }
}

function ourFault(kept: string): Fault {
  return new Fault('us', reply(451, '4.3.0', 'temporary fault on our side, please try again'), kept)
}
