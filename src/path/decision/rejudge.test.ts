import { describe, expect, test } from 'vitest'
import type { Customer } from '../../rooms/registry/index.ts'
import { sealMatches } from '../../standards/seal.ts'
import { Secret } from '../../standards/secret.ts'
import { decide } from './decide.ts'
import type { PermitRecord } from './decision.ts'
import { type RejudgeInput, rejudge, sealLifetime, sealPermit } from './rejudge.ts'
import type { RuleId } from './rules.ts'
import { account, asked, hosted, hybrid, lockOf, ownReport } from './testing/evidence.ts'
import {
  acme,
  acmeWith,
  day,
  domain,
  evil,
  grant,
  key,
  now,
  operatorDomain,
  owned,
  policyOf,
} from './testing/policy.ts'

/** A permit as custody gives it back: through JSON. */
function stored(evidence: typeof hosted): PermitRecord {
  const decision = decide(asked({ evidence }))
  if (decision.verdict !== 'relay') throw new Error(decision.facts.because)
  return JSON.parse(JSON.stringify(decision.permit)) as PermitRecord
}

const later = now + 60_000

function again(permit: PermitRecord, changes: Partial<RejudgeInput> = {}) {
  const policy = policyOf([acme, evil], { version: 8 })
  const standing = { suspended: null, hold: null }
  return rejudge({ permit, policy, standing, operator: operatorDomain, now: later, ...changes })
}

const policyWith = (changes: Partial<Customer>) => policyOf([acmeWith(changes), evil], { version: 8 })

describe('a stored permit', () => {
  test('is renewed while the policy stands, under its newest version', () => {
    for (const evidence of [hosted, hybrid, account]) {
      const permit = stored(evidence)
      const answer = again(permit)
      expect(answer).toMatchObject({ kind: 'renewed', permit: { permit, policyVersion: 8, judgedAt: later } })
      expect(answer.kind === 'renewed' && answer.keys).toEqual([key('acme', permit.source, domain('acme.example'))])
    }
  })

  const locked = policyWith({ domains: [owned('acme', 'acme.example', { dnsLock: true })] })
  const withdrawals: readonly (readonly [RuleId, string, Partial<RejudgeInput>])[] = [
    ['tenant-suspended', 'the tenant is suspended', { standing: { suspended: { reason: 'burst' }, hold: null } }],
    ['domain-not-owned', 'the domain is gone', { policy: policyWith({ domains: [] }) }],
    ['domain-unproven', 'the assertion has lapsed', { now: now + 31 * day }],
    [
      'domain-unproven',
      'the DNS proof has lapsed',
      {
        policy: policyWith({
          domains: [
            owned('acme', 'acme.example', { proof: { kind: 'dns', token: 't', provedAt: now, lapsesAt: later } }),
          ],
        }),
      },
    ],
    ['tenant-not-authorised', 'the grant is gone', { policy: policyWith({ grants: [] }) }],
    ['tenant-not-authorised', 'the source is gone', { policy: policyWith({ sources: [] }) }],
    [
      'tenant-not-authorised',
      'the grant names another domain',
      { policy: policyWith({ grants: [grant('acme', 'acme-m365', ['b.example'])] }) },
    ],
    [
      'tenant-not-authorised',
      'the domain is another customer’s',
      { policy: policyOf([acmeWith({ domains: [] }), { ...evil, domains: [owned('evil', 'acme.example')] }]) },
    ],
    [
      'tenant-not-authorised',
      'the tenant is another customer’s, who owns the domain too',
      {
        policy: policyOf([
          {
            ...evil,
            domains: [owned('evil', 'acme.example')],
            sources: acme.sources.map((one) => ({ ...one, customer: 'evil' })),
            grants: [grant('evil', 'acme-m365', ['acme.example'])],
          },
        ]),
      },
    ],
    [
      'class-not-authorised',
      'the grant no longer names the class',
      { policy: policyWith({ grants: [grant('acme', 'acme-m365', ['acme.example'], { classes: ['notification'] })] }) },
    ],
    ['tenant-not-authorised', 'the DNS lock no longer names it', { policy: locked, lock: lockOf('source=acme-crm') }],
    ['class-not-authorised', 'nor its class', { policy: locked, lock: lockOf('source=acme-m365; classes=hybrid') }],
  ]
  test.each(withdrawals)('is withdrawn by %s when %s', (rule, _, changes) => {
    expect(again(stored(hosted), changes)).toMatchObject({ kind: 'withdrawn', rule })
  })

  test('is withdrawn when it is of a class that no grant can name', () => {
    for (const never of ['forwarded', 'unknown'] as const) {
      const grants = [grant('acme', 'acme-m365', ['acme.example'], { classes: [never as 'hosted'] })]
      const altered = { ...stored(hosted), class: never }
      expect(again(altered, { policy: policyWith({ grants }) })).toMatchObject({
        kind: 'withdrawn',
        rule: 'class-not-authorised',
      })
    }
  })

  test('is withdrawn when its on-premises host is no longer listed', () => {
    const sources = acme.sources.map((one) => (one.kind === 'm365' ? { ...one, hybridHosts: [] } : one))
    expect(again(stored(hybrid), { policy: policyWith({ sources }) })).toMatchObject({
      kind: 'withdrawn',
      rule: 'hybrid-host-not-listed',
    })
    expect(again(stored(hosted), { policy: policyWith({ sources }) }).kind).toBe('renewed')
  })

  test('waits for its key, and is never said to go unsigned', () => {
    const policy = policyOf([acme], { keys: [key('acme', 'acme-crm', domain('acme.example'))] })
    expect(again(stored(hosted), { policy })).toMatchObject({ kind: 'not-ready', rule: 'key-not-ready' })
  })

  test('gains nothing from being altered in the store', () => {
    const permit = stored(hosted)
    const altered: readonly Partial<PermitRecord>[] = [
      { domain: domain('evil.example') },
      { customer: 'evil' },
      { source: 'acme-crm' },
      { class: 'forwarded' },
      { attribution: { kind: 'smtp-auth', account: 'crm@acme' } },
      { attribution: { kind: 'm365', tenant: 'not a guid', originator: domain('acme.example'), connectingHost: null } },
      { attribution: { kind: 'network', address: 'not an address' } },
      { attribution: { kind: 'self' } },
    ]
    for (const change of altered) expect(again({ ...permit, ...change }).kind).toBe('withdrawn')
  })
})

describe('our own report', () => {
  const permit = stored(ownReport)
  const ours = acmeWith({ domains: [...acme.domains, owned('acme', 'relay.example.net')] })

  test('goes unsigned while the operator domain is nobody’s, unproven or without a key', () => {
    const proof = { kind: 'dns', token: 't', provedAt: null, lapsesAt: null } as const
    const unproven = acmeWith({ domains: [owned('acme', 'relay.example.net', { proof })] })
    const keys = [key('acme', 'self', operatorDomain)]
    for (const policy of [policyOf([acme], { keys }), policyOf([unproven], { keys }), policyOf([ours])]) {
      expect(again(permit, { policy }).kind).toBe('unsigned')
    }
  })

  test('is signed with a key of the operator domain made for it', () => {
    const keys = [key('acme', 'self', operatorDomain)]
    expect(again(permit, { policy: policyOf([ours], { keys }) })).toMatchObject({ kind: 'renewed', keys })
  })

  test('takes no key of another source, and speaks for no other domain or class', () => {
    const keys = [key('acme', 'acme-m365', operatorDomain), key('acme', 'self', domain('acme.example'))]
    const policy = policyOf([ours], { keys })
    expect(again(permit, { policy }).kind).toBe('unsigned')
    expect(again({ ...permit, domain: domain('acme.example') }, { policy }).kind).toBe('withdrawn')
    expect(again({ ...permit, class: 'hosted' }, { policy }).kind).toBe('withdrawn')
  })
})

describe('sealing', () => {
  const sealingKey = new Secret(Buffer.alloc(32, 7))
  const input = Buffer.from('from:alice@acme.example\r\n')

  function renewal() {
    const answer = again(stored(hosted))
    if (answer.kind !== 'renewed' || answer.keys[0] === undefined) throw new Error('not renewed')
    return { permit: answer.permit, key: answer.keys[0] }
  }

  test('binds one key to one input for a minute from the judgement', () => {
    const { permit, key: chosen } = renewal()
    const sealed = sealPermit(permit, chosen, input, sealingKey, later + 1000)
    expect(sealed).toMatchObject({
      customer: 'acme',
      domain: 'acme.example',
      source: 'acme-m365',
      selector: 'acme-m365-1',
      policyVersion: 8,
      expiresAt: later + sealLifetime,
    })
    expect(sealMatches(sealingKey, sealed, sealed.mac)).toBe(true)
    const other = sealPermit(permit, chosen, Buffer.from('from:mallory@acme.example\r\n'), sealingKey, later)
    expect(sealMatches(sealingKey, { ...sealed, inputHash: other.inputHash }, sealed.mac)).toBe(false)
  })

  test('an old judgement is not sealed any more', () => {
    const { permit, key: chosen } = renewal()
    expect(() => sealPermit(permit, chosen, input, sealingKey, later + sealLifetime + 1)).toThrow(/too old/)
  })

  test('a key that the permit was not renewed with is not sealed', () => {
    const { permit } = renewal()
    for (const foreign of [
      key('evil', 'evil-m365', domain('evil.example')),
      key('acme', 'acme-crm', domain('acme.example')),
    ]) {
      expect(() => sealPermit(permit, foreign, input, sealingKey, later)).toThrow(/none of those/)
    }
  })
})
