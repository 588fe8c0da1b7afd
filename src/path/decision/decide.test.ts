import { describe, expect, test } from 'vitest'
import type { Customer, Grant } from '../../rooms/registry/index.ts'
import { consumerTenant } from '../../standards/names/tenant.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { DecideInput } from './checks/matter.ts'
import { decide, decideAtMail } from './decide.ts'
import { type RuleId, ruleOrder, rules } from './rules.ts'
import {
  account,
  asked,
  hosted,
  hybrid,
  mailbox,
  noCounts,
  over,
  ownReport,
  proven,
  workspace,
} from './testing/evidence.ts'
import {
  acme,
  acmeWith,
  day,
  domain,
  evil,
  evilTenant,
  grant,
  ip,
  network,
  now,
  owned,
  policyOf,
} from './testing/policy.ts'

/** Acme's policy with its grant for the tenant changed. */
function granting(changes: Partial<Grant>): DecideInput['policy'] {
  return policyOf([acmeWith({ grants: [grant('acme', 'acme-m365', ['acme.example'], changes)] })])
}

function withAcme(changes: Partial<Customer>): DecideInput['policy'] {
  return policyOf([acmeWith(changes), evil])
}

const evidence = (changes: Parameters<typeof over>[1], from: Evidence = hosted): Partial<DecideInput> => ({
  evidence: over(from, changes),
})
const listed = (...recipients: readonly string[]) => ({ suppressed: { customer: 'acme', recipients } })
const author = (address: string) => ({ kind: 'mailbox', mailbox: mailbox(address) }) as const
const usage = (changes: Partial<typeof noCounts.grant>) => ({ ...noCounts.grant, ...changes })

/** Each row breaks one thing of a case that is accepted. */
const cases: readonly (readonly [RuleId, string, Partial<DecideInput>])[] = [
  ['line-endings', 'a bare LF in data', evidence({ fault: { kind: 'line-endings', where: 'data' } })],
  ['line-endings', 'a bare LF in a command', evidence({ fault: { kind: 'line-endings', where: 'command' } })],
  ['message-too-big', 'over the limit', evidence({ fault: { kind: 'message-too-big', limit: 1000 } })],
  ['too-many-recipients', 'over the limit', evidence({ fault: { kind: 'too-many-recipients', limit: 500 } })],
  ['storage-full', 'custody has no room', evidence({ fault: { kind: 'storage-full' } })],
  ['suppressed', 'the recipient', listed('bob@receiver.example')],
  [
    'message-malformed',
    'as ingress found',
    evidence({ fault: { kind: 'message-malformed', reason: 'header over limits' } }),
  ],
  ['message-malformed', 'as evidence found', evidence({ message: { malformed: 'a space before a colon' } })],
  ['message-malformed', 'no header section', { evidence: { ...hosted, message: null } }],
  [
    'source-unproven',
    'an unknown client',
    evidence({ connection: { kind: 'unproven', because: 'address of nobody' } }),
  ],
  [
    'source-unproven',
    'an account that the policy has lost',
    { evidence: account, policy: withAcme({ sources: [], grants: [] }) },
  ],
  [
    'source-unproven',
    'an account that is another customer’s now',
    {
      evidence: over(account, {
        connection: {
          kind: 'smtp-auth',
          account: proven('crm@acme'),
          source: { customer: 'evil', source: 'acme-crm' },
        },
      }),
    },
  ],
  [
    'source-unproven',
    'an account that is another source now',
    {
      evidence: over(account, {
        connection: { kind: 'smtp-auth', account: proven('crm@acme'), source: { customer: 'acme', source: 'other' } },
      }),
    },
  ],
  ['evidence-duplicate', 'two originators', evidence({ m365: { duplicates: ['x-originatororg'] } })],
  ['evidence-missing', 'no tenant id', evidence({ m365: { tenant: null } })],
  ['evidence-missing', 'no originator', evidence({ m365: { originator: null } })],
  ['evidence-missing', 'no trust fields at all', { evidence: { ...hosted, m365: null } }],
  ['evidence-conflict', 'as evidence found', evidence({ m365: { conflicts: ['ARC names another author'] } })],
  [
    'evidence-conflict',
    'XOORG of another',
    evidence({ m365: { xoorg: { kind: 'given', domain: domain('evil.example') } } }),
  ],
  ['evidence-conflict', 'XOORG that is no domain', evidence({ m365: { xoorg: { kind: 'malformed' } } })],
  [
    'evidence-conflict',
    'attributed to another tenant',
    evidence({ m365: { attributed: { tenant: evilTenant, address: ip('198.51.100.7'), helo: 'x' } } }, hybrid),
  ],
  ['consumer-tenant', 'by its originator', evidence({ m365: { consumer: true } })],
  ['consumer-tenant', 'by its id', evidence({ m365: { tenant: proven(consumerTenant) } })],
  ['tenant-suspended', 'by an operator', { standing: { suspended: { reason: 'burst' }, hold: null } }],
  [
    'author-malformed',
    'two mailboxes',
    evidence({ message: { author: { kind: 'malformed', reason: 'several mailboxes' } } }),
  ],
  ['domain-not-owned', 'a stranger', evidence({ message: { author: author('a@nobody.example') } })],
  [
    'domain-not-owned',
    'a subdomain that is not included',
    evidence({ message: { author: author('a@sub.acme.example') } }),
  ],
  ['domain-unproven', 'asserted and lapsed', { now: now + 31 * day }],
  [
    'domain-unproven',
    'DNS proof never seen',
    {
      policy: withAcme({
        domains: [
          owned('acme', 'acme.example', { proof: { kind: 'dns', token: 't', provedAt: null, lapsesAt: null } }),
        ],
      }),
    },
  ],
  [
    'domain-unproven',
    'DNS proof lapsed',
    {
      policy: withAcme({
        domains: [
          owned('acme', 'acme.example', { proof: { kind: 'dns', token: 't', provedAt: now - day, lapsesAt: now } }),
        ],
      }),
    },
  ],
  [
    'tenant-not-authorised',
    'a tenant in nobody’s policy',
    evidence({ m365: { tenant: proven(consumerTenant.replace('a', 'b')) } }),
  ],
  [
    'tenant-not-authorised',
    'another customer’s tenant',
    evidence({ m365: { tenant: proven(evilTenant), originator: proven(domain('evil.example')) } }),
  ],
  [
    'tenant-not-authorised',
    'the right tenant with an originator that is not listed',
    evidence({ m365: { originator: proven(domain('evil.example')) } }),
  ],
  [
    'tenant-not-authorised',
    'another tenant with the right originator',
    evidence({ m365: { tenant: proven(evilTenant) } }),
  ],
  ['tenant-not-authorised', 'a source without a grant', { policy: withAcme({ grants: [] }) }],
  [
    'tenant-not-authorised',
    'a grant for another domain',
    {
      policy: withAcme({
        domains: [...acme.domains, owned('acme', 'other.example')],
        grants: [grant('acme', 'acme-m365', ['other.example'])],
      }),
    },
  ],
  [
    'tenant-not-authorised',
    'our own mail as a customer',
    evidence({ message: { author: author('a@acme.example') } }, ownReport),
  ],
  ['class-not-authorised', 'forwarded', evidence({ message: { class: 'forwarded' } })],
  ['class-not-authorised', 'unknown', evidence({ message: { class: 'unknown' } })],
  ['class-not-authorised', 'not in the grant', { policy: granting({ classes: ['hybrid'] }) }],
  [
    'class-not-authorised',
    'our own mail that is no notification',
    evidence({ message: { class: 'hosted' } }, ownReport),
  ],
  [
    'hybrid-host-not-listed',
    'another host',
    evidence({ m365: { attributed: { ...attributedTo('192.0.2.1') } } }, hybrid),
  ],
  ['hybrid-host-not-listed', 'no host named', evidence({ m365: { attributed: null } }, hybrid)],
  ['reverse-path-not-owned', 'of a stranger', evidence({ envelope: { reversePath: mailbox('a@nobody.example') } })],
  ['reverse-path-not-owned', 'of another customer', evidence({ envelope: { reversePath: mailbox('a@evil.example') } })],
  [
    'reverse-path-not-owned',
    'the initial domain',
    evidence({ envelope: { reversePath: mailbox('a@acme.onmicrosoft.com') } }),
  ],
  [
    'reverse-path-not-owned',
    'a domain of the customer whose proof is absent',
    {
      ...evidence({ envelope: { reversePath: mailbox('a@new.acme.example') } }),
      policy: withAcme({
        domains: [
          ...acme.domains,
          owned('acme', 'new.acme.example', { proof: { kind: 'dns', token: 't', provedAt: null, lapsesAt: null } }),
        ],
      }),
    },
  ],
  ['reverse-path-not-owned', 'null on plain mail', evidence({ envelope: { reversePath: null } })],
  [
    'reverse-path-not-owned',
    'our own mail with one',
    evidence({ envelope: { reversePath: mailbox('a@acme.example') } }, ownReport),
  ],
  [
    'sender-not-owned',
    'Sender of another',
    evidence({ message: { otherAuthors: [{ field: 'sender', domain: domain('evil.example') }] } }),
  ],
  [
    'sender-not-owned',
    'Resent-From unreadable',
    evidence({ message: { otherAuthors: [{ field: 'resent-from', domain: null }] } }),
  ],
  [
    'sender-not-owned',
    'the second of two',
    evidence({
      message: {
        otherAuthors: [
          { field: 'sender', domain: domain('acme.example') },
          { field: 'resent-from', domain: domain('nobody.example') },
        ],
      },
    }),
  ],
  ['evidence-required', 'DKIM not evaluated', { policy: granting({ evidence: { dkim: 'require', arc: 'off' } }) }],
  [
    'evidence-required',
    'ARC failed',
    {
      ...evidence({ m365: { dkim: 'pass', arc: 'fail' } }),
      policy: granting({ evidence: { dkim: 'require', arc: 'require' } }),
    },
  ],
  ['evidence-required', 'of Google, unsigned', evidence({ google: { dkim: 'none', domain: null } }, workspace)],
  ['evidence-required', 'of Google, broken', evidence({ google: { dkim: 'fail', domain: null } }, workspace)],
  [
    'evidence-required',
    'of Google, not looked at',
    evidence({ google: { dkim: 'not-evaluated', domain: null } }, workspace),
  ],
  [
    'evidence-required',
    'DKIM failed where the key for ARC cannot be had',
    {
      ...evidence({ m365: { dkim: 'fail', arc: 'temperror' } }),
      policy: granting({ evidence: { dkim: 'require', arc: 'require' } }),
    },
  ],
  [
    'lookup-failed',
    'the key of a required signature',
    { ...evidence({ m365: { dkim: 'temperror' } }), policy: granting({ evidence: { dkim: 'require', arc: 'off' } }) },
  ],
  ['lookup-failed', 'the key of a Workspace', evidence({ google: { dkim: 'temperror', domain: null } }, workspace)],
  ['lookup-failed', 'whether a contradiction is genuine', evidence({ m365: { doubts: ['DKIM of another'] } })],
  ['lookup-failed', 'the same of Google', evidence({ google: { doubts: ['DKIM of another'] } }, workspace)],
  [
    'lookup-failed',
    'the connection',
    evidence({ connection: { kind: 'lookup-failed', because: 'no answer for the PTR' } }),
  ],
  ['lookup-failed', 'the policy', { policy: null }],
  ['lookup-failed', 'the lock', { policy: withAcme({ domains: [owned('acme', 'acme.example', { dnsLock: true })] }) }],
  ['key-not-ready', 'no key', { policy: policyOf([acme], { keys: [] }) }],
  ['system-fault', 'custody threw', { systemFault: 'the shard does not answer' }],
  [
    'rate-exceeded',
    'messages an hour',
    { policy: granting({ limits: limits({ messagesPerHour: 9 }) }), counters: used({ messagesLastHour: 9 }) },
  ],
  [
    'rate-exceeded',
    'messages a day',
    { policy: granting({ limits: limits({ messagesPerDay: 9 }) }), counters: used({ messagesLastDay: 9 }) },
  ],
  [
    'rate-exceeded',
    'recipients an hour',
    { policy: granting({ limits: limits({ recipientsPerHour: 9 }) }), counters: used({ recipientsLastHour: 9 }) },
  ],
  [
    'rate-exceeded',
    'recipients a day',
    { policy: granting({ limits: limits({ recipientsPerDay: 9 }) }), counters: used({ recipientsLastDay: 9 }) },
  ],
  [
    'rate-exceeded',
    'recipients of one message',
    {
      ...evidence({ envelope: { recipients: [mailbox('a@r.example'), mailbox('b@r.example')] } }),
      policy: granting({ limits: limits({ recipientsPerMessage: 1 }) }),
    },
  ],
  ['rate-exceeded', 'the default where the grant sets none', { counters: used({ messagesLastHour: 1_000_000 }) }],
  [
    'rate-exceeded',
    'the hour of a trial',
    { policy: withAcme({ plan: 'trial' }), counters: { ...noCounts, customer: usage({ recipientsLastHour: 100 }) } },
  ],
  [
    'rate-exceeded',
    'the day of a trial',
    { policy: withAcme({ plan: 'trial' }), counters: { ...noCounts, customer: usage({ recipientsLastDay: 500 }) } },
  ],
  [
    'rate-exceeded',
    'recipients of all copies of one message',
    { counters: { ...noCounts, copies: { reached: 1000, fresh: 1 } } },
  ],
  [
    'rate-exceeded',
    'a count of copies that is no number',
    { counters: { ...noCounts, copies: { reached: Number.NaN, fresh: 1 } } },
  ],
  ['rate-exceeded', 'a count that is no number', { counters: used({ messagesLastHour: Number.NaN }) }],
  ['held', 'as standing asks', { standing: { suspended: null, hold: { reason: 'incident 12' } } }],
  ['accepted', 'a mailbox user of the tenant', {}],
  ['accepted', 'the owner’s own server', { evidence: hybrid }],
  ['accepted', 'an account', { evidence: account }],
  ['accepted', 'a Workspace', { evidence: workspace }],
  ['evidence-conflict', 'of Google', evidence({ google: { conflicts: ['X-Relaying-Domain and From'] } }, workspace)],
  ['evidence-duplicate', 'of Google', evidence({ google: { duplicates: ['x-relaying-domain'] } }, workspace)],
  [
    'tenant-not-authorised',
    'a Workspace that nobody granted, signed or not',
    { evidence: workspace, policy: withAcme({ grants: [grant('acme', 'acme-m365', ['acme.example'])] }) },
  ],
  [
    'tenant-not-authorised',
    'an unsigned message of a domain that granted no Workspace',
    {
      ...evidence({ google: { dkim: 'none', domain: null } }, workspace),
      policy: withAcme({ grants: [grant('acme', 'acme-m365', ['acme.example'])] }),
    },
  ],
  ['class-not-authorised', 'forwarded by Google', evidence({ message: { class: 'forwarded' } }, workspace)],
  ['accepted', 'a report of ours while the operator domain is nobody’s', { evidence: ownReport }],
]

function attributedTo(address: string) {
  return {
    tenant: acme.sources[0]?.kind === 'm365' ? acme.sources[0].tenant : evilTenant,
    address: ip(address),
    helo: 'x',
  }
}

function limits(changes: Partial<Grant['limits']>): Grant['limits'] {
  const none = {
    messagesPerHour: null,
    messagesPerDay: null,
    recipientsPerHour: null,
    recipientsPerDay: null,
    recipientsPerMessage: null,
  }
  return { ...none, ...changes }
}

function used(changes: Partial<typeof noCounts.grant>): typeof noCounts {
  return { ...noCounts, grant: usage(changes) }
}

describe('each rule answers what it is for', () => {
  test.each(cases)('%s: %s', (rule, _, changes) => {
    const decision = decide(asked(changes))
    expect(decision.rule).toBe(rule)
    expect(decision.reply.code).toBe(rules[rule].code)
    const verdict =
      rule === 'accepted' ? 'relay' : rule === 'held' ? 'hold' : rules[rule].code < 500 ? 'defer' : 'refuse'
    expect(decision.verdict).toBe(verdict)
    expect('permit' in decision).toBe(verdict === 'relay' || verdict === 'hold')
    expect(decision.facts.because).not.toBe('')
  })

  test('every rule of the table is reached', () => {
    expect(new Set(cases.map(([rule]) => rule))).toEqual(new Set(ruleOrder))
  })
})

describe('what the honest may do', () => {
  test('the permit says what was granted and how it was proven', () => {
    const decision = decide(asked())
    expect(decision.verdict === 'relay' && decision.permit).toEqual({
      id: decision.id,
      customer: 'acme',
      source: 'acme-m365',
      grant: 'acme-m365-grant',
      domain: 'acme.example',
      class: 'hosted',
      attribution: {
        kind: 'm365',
        tenant: '3dd8961f-e488-4e60-8e11-a82d994e183d',
        originator: 'acme.example',
        connectingHost: null,
      },
      policyVersion: 7,
      mintedAt: now,
    })
  })

  test('a null reverse-path passes as a report or an automatic reply', () => {
    for (const shape of [{ report: true }, { automatic: true }]) {
      expect(decide(asked(evidence({ envelope: { reversePath: null }, message: shape }))).rule).toBe('accepted')
    }
  })

  test('Sender and Resent-From of a proven domain of the customer pass', () => {
    const otherAuthors = [{ field: 'sender', domain: domain('acme.example') }] as const
    expect(decide(asked(evidence({ message: { otherAuthors } }))).rule).toBe('accepted')
  })

  test('evidence that is there satisfies a grant that requires it', () => {
    const policy = granting({ evidence: { dkim: 'require', arc: 'prefer' } })
    expect(decide(asked({ ...evidence({ m365: { dkim: 'pass' } }), policy })).rule).toBe('accepted')
  })

  test('signatures that are only preferred let pass, whatever came of them', () => {
    const policy = granting({ evidence: { dkim: 'prefer', arc: 'prefer' } })
    for (const proof of ['none', 'fail', 'temperror', 'pass', 'not-evaluated'] as const)
      expect(decide(asked({ ...evidence({ m365: { dkim: proof, arc: proof } }), policy })).rule).toBe('accepted')
  })

  test('the thousandth recipient of a message passes, and an envelope that adds nobody always', () => {
    for (const copies of [{ reached: 999, fresh: 1 }, { reached: 1000, fresh: 0 }, null])
      expect(decide(asked({ counters: { ...noCounts, copies } })).rule).toBe('accepted')
  })

  test('the last message under each limit passes', () => {
    const policy = granting({ limits: limits({ messagesPerHour: 10, recipientsPerHour: 10 }) })
    expect(decide(asked({ policy, counters: used({ messagesLastHour: 9, recipientsLastHour: 9 }) })).rule).toBe(
      'accepted',
    )
    const trial = {
      policy: withAcme({ plan: 'trial' }),
      counters: { ...noCounts, customer: usage({ recipientsLastHour: 99 }) },
    }
    expect(decide(asked(trial)).rule).toBe('accepted')
  })

  test('the budget of a trial is no budget of others', () => {
    expect(decide(asked({ counters: { ...noCounts, customer: usage({ recipientsLastHour: 5000 }) } })).rule).toBe(
      'accepted',
    )
  })

  test('a network and a certificate are sources like any other', () => {
    const address = {
      kind: 'network',
      address: proven(ip('203.0.113.5')),
      source: { customer: 'acme', source: 'acme-plant' },
    } as const
    const certificate = {
      kind: 'mtls',
      fingerprint: proven('sha256:aa'),
      source: { customer: 'acme', source: 'acme-erp' },
    } as const
    for (const connection of [address, certificate])
      expect(decide(asked(evidence({ connection }, account))).rule).toBe('accepted')
  })

  test('a lease is a source only while it lasts', () => {
    const lease = { address: ip('203.0.113.77'), from: now - day, until: now + day }
    const policy = policyOf([
      acmeWith({
        sources: [{ customer: 'acme', id: 'vps', kind: 'network', networks: [], leases: [lease] }],
        grants: [grant('acme', 'vps', ['acme.example'])],
      }),
    ])
    const connection = {
      kind: 'network',
      address: proven(lease.address),
      source: { customer: 'acme', source: 'vps' },
    } as const
    expect(decide(asked({ ...evidence({ connection }, account), policy })).rule).toBe('accepted')
    expect(decide(asked({ ...evidence({ connection }, account), policy, now: now + day })).rule).toBe('source-unproven')
  })

  test('a hybrid host may be listed as a block', () => {
    const source = { ...acme.sources[0], hybridHosts: [network('192.0.2.0/24')] } as Customer['sources'][number]
    const policy = withAcme({ sources: [source] })
    expect(
      decide(asked({ ...evidence({ m365: { attributed: attributedTo('192.0.2.77') } }, hybrid), policy })).rule,
    ).toBe('accepted')
  })

  test('a subdomain passes under a parent that includes it and a grant that names it', () => {
    const parent = owned('acme', 'acme.example', { includeSubdomains: true })
    const policy = withAcme({ domains: [parent], grants: [grant('acme', 'acme-m365', ['news.acme.example'])] })
    const from = (address: string) => evidence({ message: { author: author(address) } })
    expect(decide(asked({ ...from('a@news.acme.example'), policy })).rule).toBe('accepted')
    expect(decide(asked({ ...from('a@other.acme.example'), policy })).rule).toBe('tenant-not-authorised')
    expect(decide(asked({ ...from('a@x.news.acme.example'), policy })).rule).toBe('tenant-not-authorised')
  })
})

describe('the keys of a subdomain', () => {
  const parent = owned('acme', 'acme.example', { includeSubdomains: true })
  const policy = withAcme({ domains: [parent], grants: [grant('acme', 'acme-m365', ['acme.example'])] })
  if (policy === null) throw new Error('the policy of this test is there')
  const parentKeys = policy.activeKeys('acme', 'acme-m365', domain('acme.example'))
  const from = evidence({ message: { author: author('a@news.acme.example') } })

  test('are those of the parent that includes it', () => {
    const withParentKeys = { ...policy, activeKeys: () => parentKeys }
    expect(decide(asked({ ...from, policy: withParentKeys })).rule).toBe('accepted')
  })

  test('are never those of a parent that does not', () => {
    const lonely = { ...parent, includeSubdomains: false }
    const careless = { ...policy, activeKeys: () => parentKeys, ownerOf: () => lonely }
    expect(decide(asked({ ...from, policy: careless })).verdict).toBe('refuse')
  })
})

describe('what nobody may do', () => {
  test('an unlisted claim asks no suppression list', () => {
    const stranger = { m365: { tenant: proven(evilTenant), originator: proven(domain('evil.example')) } }
    expect(decide(asked({ ...evidence(stranger), ...listed('bob@receiver.example') })).rule).toBe(
      'tenant-not-authorised',
    )
  })

  describe('a snapshot that answers too much is not believed', () => {
    const honest = policyOf([acme, evil])
    const [key] = honest.activeKeys('acme', 'acme-m365', domain('acme.example'))
    const granted = grant('acme', 'acme-m365', ['acme.example'])

    test.each<[string, Grant]>([
      ['of another customer', { ...granted, customer: 'evil' }],
      ['of another source', { ...granted, source: 'acme-crm' }],
      ['for a parent that does not include it', { ...granted, domains: [domain('example')] }],
      ['for another domain', { ...granted, domains: [domain('evil.example')] }],
    ])('a grant %s', (_, wrong) => {
      expect(decide(asked({ policy: { ...honest, grantFor: () => wrong } })).rule).toBe('tenant-not-authorised')
    })

    test('a source of another kind, or of another customer', () => {
      const policy = { ...honest, m365Source: () => acme.sources[1] ?? null }
      expect(decide(asked({ policy })).rule).toBe('tenant-not-authorised')
      const foreign = { ...honest, m365Source: () => evil.sources[0] ?? null, grantFor: () => granted }
      expect(decide(asked({ policy: foreign })).rule).toBe('tenant-not-authorised')
    })

    test.each([{ customer: 'evil' }, { source: 'acme-crm' }, { domain: domain('evil.example') }])(
      'a key with %j',
      (wrong) => {
        if (key === undefined) throw new Error('no key')
        const policy = { ...honest, activeKeys: () => [{ ...key, ...wrong }] }
        expect(decide(asked({ policy })).rule).toBe('key-not-ready')
      },
    )

    test('an answer that changes while it is asked is silence, and silence is refusal', () => {
      let turn = 0
      const policy = { ...honest, activeKeys: () => (turn++ === 0 && key !== undefined ? [key] : []) }
      const decision = decide(asked({ policy }))
      expect(decision).toMatchObject({ verdict: 'refuse', rule: 'tenant-not-authorised' })
      expect(decision.facts.because).toBe('no rule allowed it')
    })
  })

  test('doubtful trust fields prove nobody, so they ask no suppression list either', () => {
    const bob = listed('bob@receiver.example')
    const twice = evidence({ m365: { duplicates: ['x-originatororg'] } })
    expect(decide(asked({ ...twice, ...bob })).rule).toBe('evidence-duplicate')
    expect(decide(asked({ ...evidence({ m365: { conflicts: ['x'] } }), ...bob })).rule).toBe('evidence-conflict')
  })

  test('an address that cannot be read is named as such', () => {
    const otherAuthors = [{ field: 'resent-from', domain: null }] as const
    const decision = decide(asked(evidence({ message: { otherAuthors } })))
    expect(decision.facts.because).toBe('resent-from cannot be read')
    expect(decision.reply.lines[0]).toContain('names an unreadable address')
  })

  test('a policy that throws defers, and says so', () => {
    const policy: DecideInput['policy'] = {
      ...policyOf([acme]),
      ownerOf: () => {
        throw new Error('torn')
      },
    }
    const decision = decide(asked({ policy }))
    expect(decision).toMatchObject({ rule: 'system-fault', verdict: 'defer', facts: { systemFault: 'torn' } })
    expect(decideAtMail(asked({ policy }))).toMatchObject({ rule: 'system-fault', verdict: 'defer' })
  })

  test('a fault of ours refuses nobody for good, however little is known', () => {
    const little = { evidence: { ...hosted, m365: null, message: null }, systemFault: 'gathering failed' }
    expect(decide(asked(little))).toMatchObject({ rule: 'system-fault', verdict: 'defer' })
    expect(decideAtMail(asked(little))).toMatchObject({ rule: 'system-fault', verdict: 'defer', facts: { at: 'mail' } })
  })

  test('our own mail is never lent to a customer’s source', () => {
    const named = acmeWith({ domains: [...acme.domains, owned('acme', 'relay.example.net')] })
    const policy = policyOf([named])
    expect(decide(asked({ evidence: ownReport, policy }))).toMatchObject({
      verdict: 'relay',
      permit: { customer: 'acme', source: 'self', grant: 'self', attribution: { kind: 'self' } },
    })
  })
})

describe('at MAIL', () => {
  const atMail = (changes: Parameters<typeof over>[1]): Partial<DecideInput> => ({
    evidence: { ...over(hosted, changes), m365: null, message: null },
  })

  test('an unproven connection is refused at once, a proven one goes on', () => {
    const unproven = decideAtMail(asked(atMail({ connection: { kind: 'unproven', because: 'nobody' } })))
    expect(unproven).toMatchObject({ rule: 'source-unproven', verdict: 'refuse', facts: { at: 'mail' } })
    expect(decideAtMail(asked(atMail({})))).toBeNull()
    expect(decideAtMail(asked({ evidence: { ...account, message: null } }))).toBeNull()
  })

  test('what is announced too big, and a full disk, are said at once', () => {
    expect(decideAtMail(asked(atMail({ fault: { kind: 'message-too-big', limit: 10 } })))?.rule).toBe('message-too-big')
    expect(decideAtMail(asked(atMail({ fault: { kind: 'storage-full' } })))?.rule).toBe('storage-full')
  })

  test('what cannot be known yet is left to the end of data', () => {
    expect(
      decideAtMail(asked({ ...atMail({ connection: { kind: 'lookup-failed', because: 'no answer' } }) })),
    ).toBeNull()
    expect(decideAtMail(asked({ ...atMail({}), policy: null }))).toBeNull()
  })
})
