import { describe, expect, test } from 'vitest'
import type { OwnedDomain } from '../../rooms/registry/index.ts'
import type { Evidence, LockEvidence } from '../evidence/evidence.ts'
import { decide } from './decide.ts'
import type { PermitRecord } from './decision.ts'
import { rejudge } from './rejudge.ts'
import { account, asked, hosted, hybrid, lockOf, workspace } from './testing/evidence.ts'
import {
  acme,
  acmeTenant,
  acmeWith,
  day,
  domain,
  evil,
  now,
  operatorDomain,
  owned,
  policyOf,
} from './testing/policy.ts'

const locked = policyOf([acmeWith({ domains: [owned('acme', 'acme.example', { dnsLock: true })] }), evil])
const tenant = `m365=${acmeTenant}/acme.example`

/** What comes of mail that the policy grants, under a lock. */
function judged(lock: LockEvidence | null, evidence: Evidence = hosted): string {
  return decide(asked({ evidence: lock === null ? evidence : { ...evidence, lock }, policy: locked })).rule
}

const unavailable = { kind: 'unavailable', domain: domain('acme.example'), because: 'servfail' } as const

describe('policy and DNS must both allow', () => {
  test.each([
    ['the tenant with its originator', hosted, `${tenant}`, 'accepted'],
    ['the tenant, its class among those named', hosted, `${tenant}; classes=hosted,hybrid`, 'accepted'],
    ['the id of the source', hosted, 'source=acme-m365', 'accepted'],
    ['the id of an account', account, 'source=acme-crm', 'accepted'],
    ['the Workspace', workspace, 'google=acme.example', 'accepted'],
    ['another tenant', hosted, 'm365=4dd8961f-e488-4e60-8e11-a82d994e183d/acme.example', 'tenant-not-authorised'],
    ['another originator', hosted, `m365=${acmeTenant}/other.example`, 'tenant-not-authorised'],
    ['another Workspace', workspace, 'google=other.example', 'tenant-not-authorised'],
    ['a Workspace of that name', hosted, 'google=acme.example', 'tenant-not-authorised'],
    ['the tenant, for an account', account, tenant, 'tenant-not-authorised'],
    ['nothing', hosted, '', 'tenant-not-authorised'],
    ['the tenant and another class', hosted, `${tenant}; classes=hybrid`, 'class-not-authorised'],
    ['the tenant and another class, for its own host', hybrid, `${tenant}; classes=hosted`, 'class-not-authorised'],
  ] as const)('a lock that names %s', (_, evidence, record, rule) => {
    expect(judged(lockOf(record), evidence)).toBe(rule)
  })

  test('what cannot be read, was not read, or is another domain’s lets nothing through and refuses nothing for good', () => {
    expect(judged(unavailable)).toBe('lookup-failed')
    expect(judged(null)).toBe('lookup-failed')
    expect(judged(lockOf(tenant, 'other.example'))).toBe('lookup-failed')
  })

  test('a lock opens nothing that the policy does not grant', () => {
    const evidence = { ...hosted, lock: lockOf(tenant) }
    const policy = policyOf([acmeWith({ grants: [] }), evil])
    expect(decide(asked({ evidence, policy })).rule).toBe('tenant-not-authorised')
  })

  test('where the policy asks for none it says nothing', () => {
    expect(decide(asked({ evidence: { ...hosted, lock: lockOf('source=nobody') } })).rule).toBe('accepted')
  })
})

describe('mail at rest', () => {
  const decision = decide(asked({ evidence: hosted }))
  if (decision.verdict !== 'relay') throw new Error(decision.facts.because)
  const permit = JSON.parse(JSON.stringify(decision.permit)) as PermitRecord
  const again = (lock: LockEvidence | null) =>
    rejudge({
      permit,
      policy: locked,
      standing: { suspended: null, hold: null },
      lock,
      operator: operatorDomain,
      now,
    })

  test('is signed while the lock allows it, withdrawn once it does not, and waits where nobody knows', () => {
    expect(again(lockOf(tenant)).kind).toBe('renewed')
    expect(again(lockOf('source=other'))).toMatchObject({ kind: 'withdrawn', rule: 'tenant-not-authorised' })
    for (const lock of [unavailable, null])
      expect(again(lock)).toMatchObject({ kind: 'not-ready', rule: 'lookup-failed' })
  })
})

describe('an assertion', () => {
  const proof = { kind: 'dns', token: 't', provedAt: now - day, lapsesAt: null } as const
  const under = (parent: Partial<OwnedDomain>) =>
    decide(
      asked({
        evidence: hosted,
        policy: policyOf([acme, { ...evil, domains: [owned('evil', 'example', { proof, ...parent })] }]),
      }),
    ).rule

  test('falls before another customer’s DNS proof of a parent that includes it, and before no other', () => {
    expect(under({ includeSubdomains: true })).toBe('domain-unproven')
    expect(under({ includeSubdomains: false })).toBe('accepted')
    expect(under({ includeSubdomains: true, proof: { ...proof, lapsesAt: now } })).toBe('accepted')
    expect(under({ includeSubdomains: true, customer: 'acme' })).toBe('accepted')
  })
})
