import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Customer, Grant, OwnedDomain, Source } from '../../rooms/registry/index.ts'
import { Snapshot } from '../../rooms/registry/snapshot/snapshot.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { TenantId } from '../../standards/names/tenant.ts'
import type { ConnectionProof, Evidence } from '../evidence/evidence.ts'
import type { DecideInput } from './checks/matter.ts'
import { decide, recordOf } from './decide.ts'
import type { DecisionRecord } from './decision.ts'
import { explain } from './explain.ts'
import { replay } from './replay.ts'
import { type RuleId, ruleOrder } from './rules.ts'
import {
  type EvidenceChanges,
  asked,
  hosted,
  hostedFields,
  hybrid,
  id,
  mailbox,
  noCounts,
  over,
  proven,
  workspace,
} from './testing/evidence.ts'
import {
  acme,
  acmeTenant,
  acmeWith,
  day,
  domain,
  evil,
  evilTenant,
  grant,
  ip,
  key,
  network,
  now,
  operatorDomain,
  owned,
  policyOf,
} from './testing/policy.ts'

/** A small world, so that what is drawn from it often almost fits. */
const names = ['a.example', 'sub.a.example', 'b.example', 'c.example'] as const
const tenants = [acmeTenant, evilTenant] as const
const hosts = ['198.51.100.7', '192.0.2.1'] as const
const classes = ['hosted', 'hybrid', 'notification'] as const

const anyName = fc.constantFrom(...names)
const mostly = <T>(usual: T, ...others: readonly T[]) =>
  fc.oneof(
    { weight: 14, arbitrary: fc.constant(usual) },
    ...others.map((one) => ({ weight: 1, arbitrary: fc.constant(one) })),
  )

const anyOwned = (customer: string) =>
  fc
    .record({
      name: anyName,
      lapsed: mostly(false, true),
      includeSubdomains: fc.boolean(),
      dnsLock: mostly(false, true),
    })
    .map(({ name, lapsed, includeSubdomains, dnsLock }): OwnedDomain =>
      owned(customer, name, {
        includeSubdomains,
        dnsLock,
        proof: { kind: 'asserted', approvedBy: 'x', reason: 'x', lapsesAt: lapsed ? now : now + day },
      }),
    )

const anySource = (customer: string): fc.Arbitrary<Source> =>
  fc.oneof(
    fc
      .record({
        tenant: fc.constantFrom(...tenants),
        originators: fc.uniqueArray(anyName, { minLength: 1, maxLength: 2 }),
        host: fc.constantFrom(...hosts),
      })
      .map(({ tenant, originators, host }): Source => ({
        customer,
        id: 'cloud',
        kind: 'm365',
        tenant,
        originators: originators.map(domain),
        initialDomain: null,
        hybridHosts: [network(host)],
      })),
    anyName.map((name): Source => ({ customer, id: 'space', kind: 'google', workspaceDomain: domain(name) })),
    fc.constant<Source>({ customer, id: 'program', kind: 'smtp-auth', username: `user@${customer}`, passwordHash: '' }),
  )

const anyGrant = (customer: string): fc.Arbitrary<Grant> =>
  fc
    .record({
      source: fc.constantFrom('cloud', 'program', 'space'),
      domains: fc.uniqueArray(anyName, { minLength: 1, maxLength: 2 }),
      classes: fc.uniqueArray(fc.constantFrom(...classes)),
      dkim: mostly('off', 'require', 'prefer'),
      arc: mostly('off', 'require', 'prefer'),
      recipientsPerHour: mostly(null, 3),
    })
    .map(({ source, domains, dkim, arc, recipientsPerHour, ...rest }) =>
      grant(customer, source, domains, {
        ...rest,
        evidence: { dkim: dkim as 'off', arc: arc as 'off' },
        limits: {
          messagesPerHour: null,
          messagesPerDay: null,
          recipientsPerHour,
          recipientsPerDay: null,
          recipientsPerMessage: null,
        },
      }),
    )

const anyCustomer = (customer: string): fc.Arbitrary<Customer> =>
  fc
    .record({
      domains: fc.uniqueArray(anyOwned(customer), { minLength: 2, maxLength: 4, selector: (one) => one.name }),
      sources: fc.uniqueArray(anySource(customer), { maxLength: 3, selector: (one) => one.id }),
      grants: fc.uniqueArray(anyGrant(customer), { maxLength: 3, selector: (one) => one.source }),
      plan: mostly<'standard' | 'trial'>('standard', 'trial'),
    })
    .map((parts) => ({ id: customer, name: customer, contacts: [], ...parts }))

/** Each domain has one owner and each tenant with an originator is in one source, as the registry sees to. */
const anyWorld = fc.record({ one: anyCustomer('one'), two: anyCustomer('two') }).map(({ one, two }) => {
  const taken = new Set<string>([...one.domains.map(({ name }) => name), ...one.sources.flatMap(pairs)])
  return [
    one,
    {
      ...two,
      domains: two.domains.filter(({ name }) => !taken.has(name)),
      sources: two.sources.filter((source) => pairs(source).every((pair) => !taken.has(pair))),
    },
  ]
})

function pairs(source: Source): readonly string[] {
  return source.kind === 'm365' ? source.originators.map((originator) => `${source.tenant}/${originator}`) : []
}

const anyConnection: fc.Arbitrary<ConnectionProof> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(hosted.connection) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('one', 'two').map((customer): ConnectionProof => ({
      kind: 'smtp-auth',
      account: proven(`user@${customer}`),
      source: { customer, source: 'program' },
    })),
  },
  { weight: 3, arbitrary: fc.constant(workspace.connection) },
  fc.constant<ConnectionProof>({ kind: 'self', operator: proven(operatorDomain) }),
  fc.constant<ConnectionProof>({ kind: 'unproven', because: 'nobody' }),
  fc.constant<ConnectionProof>({ kind: 'lookup-failed', because: 'no answer' }),
)

if (workspace.google === null) throw new Error('the Workspace of the cast is none')
const googleFields: NonNullable<Evidence['google']> = workspace.google

const anyEvidence: fc.Arbitrary<Evidence> = fc
  .record({
    connection: anyConnection,
    tenant: mostly<TenantId | null>(acmeTenant, evilTenant, null),
    originator: fc.oneof({ weight: 8, arbitrary: anyName }, fc.constant(null)),
    duplicates: mostly<readonly string[]>([], ['x-originatororg']),
    conflicts: mostly<readonly string[]>([], ['arc and author']),
    consumer: mostly(false, true),
    attributed: fc.option(fc.record({ tenant: fc.constantFrom(...tenants), address: fc.constantFrom(...hosts) })),
    doubts: mostly<readonly string[]>([], ['dkim of another']),
    dkim: fc.constantFrom('pass', 'none', 'fail', 'not-evaluated', 'temperror'),
    arc: fc.constantFrom('pass', 'none', 'fail', 'not-evaluated', 'temperror'),
    signedBy: anyName,
    author: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names, 'relay.example.net') }, fc.constant(null)),
    class: fc.constantFrom(...classes, 'hosted', 'hosted', 'forwarded', 'unknown'),
    reversePath: fc.oneof({ weight: 3, arbitrary: anyName }, fc.constant(null)),
    sender: fc.oneof(
      { weight: 8, arbitrary: fc.constant<(string | null)[]>([]) },
      fc.array(fc.option(fc.constantFrom<string>(...names)), { maxLength: 2 }),
    ),
    report: fc.boolean(),
    recipients: fc.integer({ min: 1, max: 4 }),
    malformed: mostly<string | null>(null, 'a reason'),
  })
  .map((one): Evidence => {
    const changes: EvidenceChanges = {
      connection: one.connection,
      m365: {
        ...hostedFields,
        tenant: one.tenant === null ? null : proven(one.tenant),
        originator: one.originator === null ? null : proven(domain(one.originator)),
        duplicates: one.duplicates,
        conflicts: one.conflicts,
        consumer: one.consumer,
        attributed:
          one.attributed === null ? null : { ...one.attributed, address: ip(one.attributed.address), helo: 'x' },
        doubts: one.doubts,
        dkim: one.dkim as 'pass',
        arc: one.arc as 'pass',
      },
      envelope: {
        reversePath: one.reversePath === null ? null : mailbox(`r@${one.reversePath}`),
        recipients: Array.from({ length: one.recipients }, (_, index) => mailbox(`to${index}@receiver.example`)),
      },
      message: {
        class: one.class as 'hosted',
        author:
          one.author === null
            ? { kind: 'malformed', reason: 'a group' }
            : { kind: 'mailbox', mailbox: mailbox(`a@${one.author}`) },
        otherAuthors: one.sender.map((name) => ({ field: 'sender', domain: name === null ? null : domain(name) })),
        report: one.report,
        malformed: one.malformed,
      },
    }
    const evidence = over(hosted, changes)
    const google = {
      ...googleFields,
      dkim: one.dkim as 'pass',
      domain: one.dkim === 'pass' ? proven(domain(one.signedBy)) : null,
      duplicates: one.duplicates,
      conflicts: one.conflicts,
      doubts: one.doubts,
    }
    return {
      ...evidence,
      m365: one.connection.kind === 'm365' ? evidence.m365 : null,
      google: one.connection.kind === 'google' ? google : null,
    }
  })

/** Which grant to aim at, and which of the facts are to fit it. */
const anyAim = fc.record({
  at: fc.nat(3),
  domain: fc.nat(1),
  class: fc.nat(2),
  connection: mostly(true, false),
  tenant: mostly(true, false),
  originator: mostly(true, false),
  attributed: mostly(true, false),
  author: mostly(true, false),
  reversePath: mostly(true, false),
  sender: mostly(true, false),
  kind: mostly(true, false),
})

type Aim = typeof anyAim extends fc.Arbitrary<infer T> ? T : never

/** Makes the facts fit a grant of the world, so that a fair part of what is drawn is allowed, or wrong in one thing only. */
function aimed(evidence: Evidence, world: readonly Customer[], aim: Aim): Evidence {
  const grants = world.flatMap((customer) => customer.grants.map((given) => ({ customer, given })))
  const target = grants[aim.at % Math.max(grants.length, 1)]
  const source = target?.customer.sources.find((one) => one.id === target.given.source)
  if (target === undefined || source === undefined) return evidence
  const { customer, given } = target
  const name = given.domains[aim.domain % given.domains.length] ?? domain('a.example')
  const isCloud = source.kind === 'm365'
  const program: ConnectionProof = {
    kind: 'smtp-auth',
    account: proven(`user@${customer.id}`),
    source: { customer: customer.id, source: 'program' },
  }
  const place = isCloud ? hosted.connection : source.kind === 'google' ? workspace.connection : program
  const connection = aim.connection ? place : evidence.connection
  const drawn = evidence.google ?? googleFields
  const google = aim.tenant ? { ...drawn, dkim: 'pass' as const, domain: proven<Domain>(name) } : drawn
  const { m365 } = over(
    { ...evidence, m365: evidence.m365 ?? hostedFields },
    {
      m365: {
        ...(aim.tenant && isCloud ? { tenant: proven(source.tenant) } : {}),
        ...(aim.originator && isCloud ? { originator: proven(source.originators[0]) } : {}),
        ...(aim.attributed && isCloud
          ? {
              attributed: {
                tenant: source.tenant,
                address: source.hybridHosts[0]?.address ?? ip('192.0.2.1'),
                helo: 'x',
              },
            }
          : {}),
      },
    },
  )
  const fitting = over(evidence, {
    connection,
    envelope: aim.reversePath ? { reversePath: mailbox(`r@${name}`) } : {},
    message: {
      malformed: null,
      ...(aim.author ? { author: { kind: 'mailbox', mailbox: mailbox(`a@${name}`) } } : {}),
      ...(aim.sender ? { otherAuthors: [] } : {}),
      ...(aim.kind ? { class: given.classes[aim.class % given.classes.length] ?? 'unknown' } : {}),
    },
  })
  return {
    ...fitting,
    m365: connection.kind === 'm365' ? m365 : null,
    google: connection.kind === 'google' ? google : null,
  }
}

const anyInput = fc.record({
  world: anyWorld,
  aim: fc.option(anyAim, { freq: 6 }),
  evidence: anyEvidence,
  suspended: mostly<{ reason: string } | null>(null, { reason: 'x' }),
  hold: mostly<{ reason: string } | null>(null, { reason: 'x' }),
  used: fc.integer({ min: 0, max: 4 }),
  keyless: mostly(false, true),
  suppressed: mostly<string | null>(null, 'one', 'two'),
})

type Drawn = typeof anyInput extends fc.Arbitrary<infer T> ? T : never

function inputOf(drawn: Drawn): DecideInput & { readonly world: readonly Customer[] } {
  const policy = policyOf(drawn.world, drawn.keyless ? { keys: [] } : {})
  const evidence = drawn.aim === null ? drawn.evidence : aimed(drawn.evidence, drawn.world, drawn.aim)
  const usage = { ...noCounts.grant, recipientsLastHour: drawn.used }
  const standing = { suspended: drawn.suspended, hold: drawn.hold }
  return {
    ...asked({ evidence, policy, standing, counters: { grant: usage, customer: usage } }),
    ...(drawn.suppressed === null
      ? {}
      : { suppressed: { customer: drawn.suppressed, recipients: ['to0@receiver.example', 'to1@receiver.example'] } }),
    world: drawn.world,
  }
}

/**
 * What the contract says an acceptance needs, written a second time and otherwise: by searching the customers for somebody who allowed
 * exactly this.
 */
function somebodyAllowed({ world, evidence, counters }: ReturnType<typeof inputOf>): boolean {
  const { connection, m365, google, message, envelope } = evidence
  if (message === null || message.author.kind !== 'mailbox' || message.malformed !== null) return false
  const from = message.author.mailbox.domain
  if (connection.kind === 'self') {
    return (
      from === operatorDomain &&
      message.class === 'notification' &&
      envelope.reversePath === null &&
      message.report &&
      message.otherAuthors.length === 0
    )
  }
  const valid = (customer: Customer, name: string) => {
    const exact = world.flatMap((one) => one.domains).find((one) => one.name === name)
    const nearest = names
      .filter((one) => name.endsWith(`.${one}`))
      .flatMap((one) =>
        world.flatMap((each) => each.domains).filter((each) => each.name === one && each.includeSubdomains),
      )[0]
    const holder = exact ?? nearest
    const fresh = holder?.proof.kind === 'asserted' && holder.proof.lapsesAt > now
    return holder !== undefined && holder.customer === customer.id && fresh ? holder : null
  }
  return world.some((customer) =>
    customer.grants.some((given) => {
      const source = customer.sources.find((one) => one.id === given.source)
      const isSource =
        connection.kind === 'm365'
          ? source?.kind === 'm365' &&
            m365?.tenant?.value === source.tenant &&
            m365.originator !== null &&
            source.originators.includes(m365.originator.value) &&
            m365.duplicates.length + m365.conflicts.length + m365.doubts.length === 0 &&
            !m365.consumer &&
            (m365.attributed === null || m365.attributed.tenant === source.tenant)
          : connection.kind === 'google'
            ? source?.kind === 'google' &&
              google !== null &&
              google.dkim === 'pass' &&
              google.domain?.value === from &&
              google.duplicates.length + google.conflicts.length + google.doubts.length === 0
            : connection.kind === 'smtp-auth' &&
              source?.kind === 'smtp-auth' &&
              source.username === connection.account.value
      const holder = valid(customer, from)
      const names = given.domains.some(
        (one) => one === from || (one === holder?.name && holder.includeSubdomains && from.endsWith(`.${one}`)),
      )
      const isHost =
        message.class !== 'hybrid' ||
        (source?.kind === 'm365' && source.hybridHosts.some((one) => one.address === m365?.attributed?.address))
      const path =
        envelope.reversePath === null ? message.report : valid(customer, envelope.reversePath.domain) !== null
      const others = message.otherAuthors.every((one) => one.domain !== null && valid(customer, one.domain) !== null)
      const isMet = (kind: 'dkim' | 'arc'): boolean => given.evidence[kind] !== 'require' || m365?.[kind] === 'pass'
      const demand = (connection.kind === 'google' || isMet('dkim')) && isMet('arc')
      const count = counters.grant.recipientsLastHour + envelope.recipients.length
      const room = count <= (given.limits.recipientsPerHour ?? 2_000_000)
      return (
        isSource &&
        holder !== null &&
        !holder.dnsLock &&
        names &&
        (given.classes as readonly string[]).includes(message.class) &&
        isHost &&
        path &&
        others &&
        demand &&
        room
      )
    }),
  )
}

describe('random policies and random messages', () => {
  test('nothing is accepted that nobody allowed, and what somebody allowed is', () => {
    let accepted = 0
    let judged = 0
    fc.assert(
      fc.property(anyInput, (drawn) => {
        const input = inputOf(drawn)
        const { verdict, rule } = decide(input)
        const yes = verdict === 'relay' || verdict === 'hold'
        judged += 1
        accepted += yes ? 1 : 0
        const allowed = somebodyAllowed(input)
        if (yes) {
          expect(allowed).toBe(true)
          expect(drawn.suspended).toBeNull()
          expect(verdict).toBe(drawn.hold === null ? 'relay' : 'hold')
        } else if (allowed) {
          expect(['tenant-suspended', 'key-not-ready', 'suppressed', 'rate-exceeded']).toContain(rule)
        }
      }),
      { numRuns: 4000, seed: 1 },
    )
    // The property would hold of a gate that never opens: it has to have opened, and seldom.
    expect(accepted).toBeGreaterThan(200)
    expect(accepted).toBeLessThan(judged / 2)
  })

  test('the snapshot of the registry answers as a search from end to end does', () => {
    fc.assert(
      fc.property(anyInput, (drawn) => {
        const input = inputOf(drawn)
        const keys = drawn.keyless
          ? []
          : drawn.world.flatMap((one) =>
              one.grants.flatMap((given) => given.domains.map((name) => key(one.id, given.source, name))),
            )
        const policy = Snapshot.empty.with({
          version: 7,
          customers: new Map(drawn.world.map((one) => [one.id, one])),
          keys: Map.groupBy(keys, (one) => one.domain),
        })
        const decision = decide({ ...input, policy })
        expect(decision).toEqual(decide(input))
      }),
      { numRuns: 500, seed: 4 },
    )
  })

  test('a decision gives the same verdict again after a way through JSON, and can be told', () => {
    fc.assert(
      fc.property(anyInput, (drawn) => {
        const input = inputOf(drawn)
        const decision = decide(input)
        const record = JSON.parse(JSON.stringify(recordOf(decision))) as DecisionRecord
        expect(replay(id, record, input.policy)).toEqual({ verdict: decision.verdict, rule: decision.rule, same: true })
        expect(explain(id, record).every((line) => /^[^\p{C}]*$/u.test(line))).toBe(true)
      }),
      { numRuns: 500, seed: 2 },
    )
  })
})

/** One fault for each rule that can go together with the others, on mail of the tenant's own server. */
const faults: readonly (readonly [RuleId, (input: DecideInput) => DecideInput])[] = [
  ['storage-full', (input) => ({ ...input, evidence: over(input.evidence, { fault: { kind: 'storage-full' } }) })],
  [
    'message-malformed',
    (input) => ({ ...input, evidence: over(input.evidence, { message: { malformed: 'a reason' } }) }),
  ],
  [
    'evidence-duplicate',
    (input) => ({ ...input, evidence: over(input.evidence, { m365: { duplicates: ['x-originatororg'] } }) }),
  ],
  [
    'evidence-conflict',
    (input) => ({ ...input, evidence: over(input.evidence, { m365: { conflicts: ['a contradiction'] } }) }),
  ],
  ['consumer-tenant', (input) => ({ ...input, evidence: over(input.evidence, { m365: { consumer: true } }) })],
  ['tenant-suspended', (input) => ({ ...input, standing: { ...input.standing, suspended: { reason: 'x' } } })],
  [
    'author-malformed',
    (input) => ({
      ...input,
      evidence: over(input.evidence, { message: { author: { kind: 'malformed', reason: 'x' } } }),
    }),
  ],
  ['domain-unproven', (input) => ({ ...input, now: now + 60 * day })],
  [
    'class-not-authorised',
    (input) => ({ ...input, evidence: over(input.evidence, { message: { class: 'forwarded' } }) }),
  ],
  [
    'sender-not-owned',
    (input) => ({
      ...input,
      evidence: over(input.evidence, {
        message: { otherAuthors: [{ field: 'sender', domain: domain('evil.example') }] },
      }),
    }),
  ],
  ['evidence-required', (input) => ({ ...input, policy: demanding })],
  [
    'rate-exceeded',
    (input) => ({ ...input, counters: { ...noCounts, grant: { ...noCounts.grant, messagesLastHour: 1_000_000 } } }),
  ],
  ['held', (input) => ({ ...input, standing: { ...input.standing, hold: { reason: 'x' } } })],
]

const demanding = policyOf([
  acmeWith({ grants: [grant('acme', 'acme-m365', ['acme.example'], { evidence: { dkim: 'require', arc: 'off' } })] }),
  evil,
])

describe('when several rules apply', () => {
  test('the first in the table answers', () => {
    fc.assert(
      fc.property(fc.subarray(faults.map((_, index) => index)), fc.constantFrom(hosted, hybrid), (chosen, evidence) => {
        const broken = chosen.map((index) => faults[index]).filter((fault) => fault !== undefined)
        const input = broken.reduce((so, [, breakIt]) => breakIt(so), asked({ evidence }))
        // An author that cannot be read has no domain to be unproven; a lapsed owner owns no Sender.
        const first = ruleOrder.find((rule) => broken.some(([name]) => name === rule)) ?? 'accepted'
        expect(decide(input).rule).toBe(first)
      }),
      { numRuns: 1500, seed: 3 },
    )
  })

  test('the order of the table is the order of the contract', () => {
    expect(ruleOrder.toSpliced(0, 6)).toEqual(
      (
        'source-unproven evidence-duplicate evidence-missing evidence-conflict consumer-tenant tenant-suspended author-malformed ' +
        'domain-not-owned domain-unproven tenant-not-authorised class-not-authorised hybrid-host-not-listed reverse-path-not-owned ' +
        'sender-not-owned evidence-required lookup-failed key-not-ready system-fault rate-exceeded held accepted'
      ).split(' '),
    )
  })
})

describe('keys', () => {
  test('a key of another source or domain makes nothing ready', () => {
    const foreign = [
      key('acme', 'acme-crm', domain('acme.example')),
      key('evil', 'evil-m365', domain('evil.example')),
      key('acme', 'acme-m365', domain('other.example')),
    ]
    expect(decide(asked({ policy: policyOf([acme, evil], { keys: foreign }) })).rule).toBe('key-not-ready')
  })
})
