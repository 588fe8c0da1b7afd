import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../platform/sql.ts'
import { formatKeyRecord, publicKeyText } from '../../standards/dkim/key-record.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { TenantId } from '../../standards/names/tenant.ts'
import {
  type CheckedPolicy,
  type MadeKey,
  type Registry,
  type WantedKey,
  applyPolicyFile,
  isPolicyProblems,
  migrateRegistry,
  openRegistry,
  policyContext,
} from './index.ts'
import { readPolicy } from './document/read-policy.ts'
import type { Customer } from './policy.ts'
import type { Snapshot } from './snapshot/snapshot.ts'

const operator = 'relay.example.net' as Domain
const context = policyContext(operator, { m365: { networks: null }, google: { networks: null } })
const day = 86_400_000
const start = Date.UTC(2026, 10, 24)
const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'

let directory: string
let url: string
let db: Kysely<unknown>
let registry: Registry
let now: number

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'registry-'))
  url = `sqlite:${join(directory, 'store.db')}`
  db = openStore(url)
  await migrateRegistry(db)
  now = start
  registry = openRegistry(db, operator, { now: () => now })
})
afterEach(async () => {
  await db.destroy()
  rmSync(directory, { recursive: true })
})

function policy(text: string): CheckedPolicy {
  const read = readPolicy(text, 'p.yaml', context)
  if (isPolicyProblems(read)) throw new Error(read.lines.join('\n'))
  return read
}

/** Acme, and another who has nothing in common with it. */
function two(): CheckedPolicy {
  const acme = customer({ id: 'acme' })
  const other = customer({ id: 'other' }).replaceAll('acme', 'other').replaceAll(tenant, tenant.replace('3dd8', '4dd8'))
  return policy(`customers:\n${acme}\n${other}`)
}

const asserted = (name: string, more = '') =>
  `{ name: ${name}, proof: asserted, approvedBy: admin@relay.example, reason: test${more} }`

type Parts = { domains?: string; sources?: string; grants?: string; id?: string; plan?: string }

const m365 = `{ id: acme-m365, kind: m365, tenant: ${tenant}, originators: [acme.example] }`
const mail = '{ source: acme-m365, domains: [acme.example], classes: [hosted], approvedBy: a@acme.example, reason: r }'

const customer = ({
  domains = asserted('acme.example'),
  sources = m365,
  grants = mail,
  id = 'acme',
  plan = 'standard',
}: Parts) => `  - { id: ${id}, plan: ${plan}, domains: [${domains}], sources: [${sources}], grants: [${grants}] }\n`
const acme = (parts: Parts = {}) => policy(`customers:\n${customer(parts)}`)

function made(key: WantedKey): MadeKey {
  const pair =
    key.algorithm === 'rsa-sha256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ed25519')
  const p = publicKeyText(pair.publicKey)
  return { ...key, wrapped: `v1:${key.selector}`, p, publicRecord: formatKeyRecord(key.algorithm, p) }
}

async function makeKeys(): Promise<void> {
  await registry.addKeys((await registry.keysWanted()).map(made))
}

const grantOf = async (version: number) =>
  (await registry.snapshotAt(version))?.grantFor('acme', 'acme-m365', 'acme.example' as Domain) ?? null

describe('versions', () => {
  test('an empty store is version 0, with the built-in customer and nobody else', async () => {
    const snapshot = await registry.load()
    expect(await registry.currentVersion()).toBe(0)
    expect([...snapshot.customers.keys()]).toEqual(['self'])
    expect(snapshot.ownerOf(operator)).toMatchObject({
      customer: 'self',
      proof: { kind: 'dns', provedAt: null },
      includeSubdomains: false,
    })
    expect(snapshot.grantFor('self', 'self', operator)).toMatchObject({
      classes: ['notification'],
      domains: [operator],
    })
  })

  test('applying makes one version however much changes, and none when nothing does', async () => {
    expect(await registry.apply(acme(), 'ann')).toEqual({
      version: 1,
      plan: [
        '+ customer acme',
        '+ domain acme acme.example',
        '+ source acme acme-m365 m365',
        '+ grant acme acme-m365 -> acme.example',
      ],
    })
    expect(await registry.apply(acme(), 'ann')).toEqual({ version: 1, plan: [] })
    expect(await registry.plan(acme())).toEqual([])
    expect(await registry.currentVersion()).toBe(1)
  })

  test('the plan shows what goes, what comes and what differs', async () => {
    await registry.apply(acme(), 'ann')
    const next = acme({
      plan: 'trial',
      domains: `${asserted('acme.example', ', until: 2027-01-01')}, { name: new.example }`,
      grants:
        '{ source: acme-m365, domains: [new.example, acme.example], classes: [hosted], approvedBy: a, reason: r }',
    })
    expect(await registry.plan(next)).toEqual([
      '~ customer acme (plan)',
      '~ domain acme acme.example (until)',
      '+ domain acme new.example',
      '- grant acme acme-m365 -> acme.example',
      '+ grant acme acme-m365 -> new.example, acme.example',
    ])
    expect(await registry.plan(policy('customers: []'))).toEqual([
      '- customer acme',
      '- domain acme acme.example',
      '- source acme acme-m365 m365',
      '- grant acme acme-m365 -> acme.example',
    ])
    const classes = acme({ grants: mail.replace('[hosted]', '[hosted, notification]') })
    expect(await registry.plan(classes)).toEqual(['~ grant acme acme-m365 -> acme.example (classes)'])
  })

  test('each version has its author, reason and moment, and old ones can be gone back to', async () => {
    await registry.apply(acme(), 'ann', 'onboarding')
    now += day
    await registry.apply(acme({ grants: '' }), 'bob')
    now += day
    await registry.apply(acme(), 'ann', 'back again')
    const rows = await (db as Kysely<{ policy_version: { version: number } }>)
      .selectFrom('policy_version')
      .selectAll()
      .execute()
    expect(rows).toEqual([
      { version: 1, author: 'ann', reason: 'onboarding', at: start },
      { version: 2, author: 'bob', reason: 'policy applied', at: start + day },
      { version: 3, author: 'ann', reason: 'back again', at: start + 2 * day },
    ])
    expect(await grantOf(0)).toBeNull()
    expect(await grantOf(1)).toMatchObject({ id: 'acme-m365' })
    expect(await grantOf(2)).toBeNull()
    expect(await grantOf(3)).not.toBeNull()
    expect(await registry.snapshotAt(4)).toBeNull()
    expect(await registry.snapshotAt(-1)).toBeNull()
  })

  test('a removed customer is gone now, and still there at the version before', async () => {
    await registry.apply(acme(), 'ann')
    const before = await registry.load()
    await registry.apply(policy('customers: []'), 'ann')
    const { snapshot: after, customers } = await registry.loadChanges(before)
    expect(customers).toEqual(['acme'])
    expect(after.customers.has('acme')).toBe(false)
    expect(after.ownerOf('acme.example' as Domain)).toBeNull()
    expect((await registry.snapshotAt(1))?.customers.has('acme')).toBe(true)
  })

  test('a relay that follows by changes holds what one that loads anew holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 }), async (steps) => {
        let followed = await registry.load()
        for (const step of steps) {
          if (step === 0) await registry.apply(policy('customers: []'), 'x')
          if (step === 1) await registry.apply(acme(), 'x')
          if (step === 2) await registry.apply(policy(`customers:\n${customer({ id: 'other' })}`), 'x')
          if (step === 3) await makeKeys()
          if (step === 4)
            for (const key of await registry.keys()) await registry.markKeyActive(key.selector, key.domain)
          if (step === 5) {
            const mark = { key: 'acme/erp', reason: 'r', by: 'x', since: 0, until: null }
            await registry.setStanding({ ...mark, kind: 'hold' })
          }
          if (step % 2 === 0) followed = (await registry.loadChanges(followed)).snapshot
        }
        followed = (await registry.loadChanges(followed)).snapshot
        const loaded = await registry.load()
        expect(followed.version).toBe(loaded.version)
        expect(byId(followed)).toEqual(byId(loaded))
        for (const id of ['acme', 'other']) {
          const domain = 'acme.example' as Domain
          expect(followed.activeKeys(id, 'acme-m365', domain)).toEqual(loaded.activeKeys(id, 'acme-m365', domain))
          expect(followed.grantFor(id, 'acme-m365', domain)).toEqual(loaded.grantFor(id, 'acme-m365', domain))
        }
        expect(followed.m365Source(tenant as TenantId, 'acme.example' as Domain)).toEqual(
          loaded.m365Source(tenant as TenantId, 'acme.example' as Domain),
        )
      }),
      { numRuns: 12 },
    )
  })

  test('following costs nothing when nothing changed', async () => {
    await registry.apply(acme(), 'ann')
    const snapshot = await registry.load()
    expect((await registry.loadChanges(snapshot)).snapshot).toBe(snapshot)
  })

  test('a relay that opens the store for reading sees each new version', async () => {
    const reader = openStore<unknown>(url, { readOnly: true })
    const relay = openRegistry(reader, operator, { now: () => now })
    const first = await relay.load()
    await registry.apply(acme(), 'ann')
    expect(await relay.currentVersion()).toBe(1)
    expect((await relay.loadChanges(first)).snapshot.customers.has('acme')).toBe(true)
    await expect(relay.apply(policy('customers: []'), 'relay')).rejects.toThrow('readonly')
    await reader.destroy()
  })
})

describe('proofs', () => {
  const lapsesAt = async () => {
    const { proof } = (await registry.load()).ownerOf('acme.example' as Domain) ?? {}
    return proof?.lapsesAt
  }

  test('an assertion lapses 90 days after it was first made, however often it is applied again', async () => {
    await registry.apply(acme(), 'ann')
    expect(await lapsesAt()).toBe(start + 90 * day)
    now += 80 * day
    await registry.apply(acme({ plan: 'trial' }), 'ann')
    expect(await lapsesAt()).toBe(start + 90 * day)
    await registry.apply(policy('customers: []'), 'ann')
    await registry.apply(acme(), 'ann')
    expect(await lapsesAt()).toBe(start + 90 * day)
  })

  test('other words are another assertion, and until can only shorten it', async () => {
    await registry.apply(acme(), 'ann')
    now += 80 * day
    await registry.apply(acme({ domains: asserted('acme.example').replace('reason: test', 'reason: extended') }), 'ann')
    expect(await lapsesAt()).toBe(start + 170 * day)
    await registry.apply(acme({ domains: asserted('acme.example', ', until: 2027-02-20') }), 'ann')
    expect(await lapsesAt()).toBe(Date.UTC(2027, 1, 20))
    await registry.apply(acme({ domains: asserted('acme.example', ', until: 2030-01-01') }), 'ann')
    expect(await lapsesAt()).toBe(start + 170 * day)
  })

  test('a DNS proof has a token of (customer, domain) that stays', async () => {
    const dns = acme({ domains: '{ name: acme.example }' })
    const token = async () => (await registry.domains()).find((row) => row.domain === 'acme.example')?.record?.value
    await registry.apply(dns, 'ann')
    const first = await token()
    expect(first).toMatch(/^anechoic-challenge=[0-9a-f]{40}$/)
    await registry.apply(policy('customers: []'), 'ann')
    await registry.apply(dns, 'ann')
    expect(await token()).toBe(first)
    await registry.apply(policy(`customers:\n${customer({ id: 'other', domains: '{ name: acme.example }' })}`), 'ann')
    expect(await token()).not.toBe(first)
  })

  test('domains are listed with their record and their state, the operator’s own too', async () => {
    await registry.claimOwnDomain()
    await registry.apply(acme({ domains: `${asserted('acme.example')}, { name: new.example }` }), 'ann')
    expect(await registry.domains()).toEqual([
      {
        domain: 'acme.example',
        returnPath: null,
        customer: 'acme',
        proof: 'asserted',
        state: 'asserted',
        since: null,
        lapses: new Date(start + 90 * day).toISOString(),
        lookedAt: null,
        seenAt: null,
        trouble: null,
        record: {
          name: '_anechoic-challenge.acme.example',
          type: 'TXT',
          value: expect.stringMatching(/^anechoic-challenge=/),
        },
      },
      expect.objectContaining({ domain: 'new.example', proof: 'dns', state: 'unproven', lapses: null }),
      expect.objectContaining({
        domain: operator,
        customer: null,
        state: 'unproven',
        record: expect.objectContaining({ value: expect.stringMatching(/^anechoic-challenge=[0-9a-f]{40}$/) }),
      }),
    ])
    now += 90 * day
    expect((await registry.domains())[0]?.state).toBe('lapsed')
  })

  test('nothing that people write proves the operator’s domain or speaks for it', async () => {
    const read = readPolicy(
      `customers: [{ id: acme, domains: [${asserted(operator)}], sources: [${m365}], grants: [${mail.replace('acme.example]', `${operator}]`)}] }]`,
      'p.yaml',
      context,
    )
    expect(isPolicyProblems(read) && read.lines).toEqual([expect.stringContaining("is the operator's own domain")])
  })
})

describe('export', () => {
  /** Characters, and words, that YAML could take for something else. */
  const awkward = fc.constantFrom(
    ...('a|b| |\'|"|:|{|}|[|]|#|&|*|!|>|%|@|`|-|é|漢|,|yes|no|off|true|null|0|1|7.|0x1|1e3|~|<<|${A}'.split('|') as [
      string,
    ]),
    '|',
  )

  const parts = fc.record({
    plan: fc.constantFrom('standard', 'trial'),
    name: fc.string({ minLength: 1, maxLength: 20, unit: awkward }),
    reason: fc.string({
      minLength: 1,
      maxLength: 20,
      unit: awkward,
    }),
    until: fc.option(fc.constantFrom('2027-02-01', '2027-02-01T08:00+03:00'), { nil: undefined }),
    limits: fc.record({ messagesPerHour: fc.integer({ min: 1, max: 9e6 }) }, { requiredKeys: [] }),
    networks: fc.subarray(['192.0.2.0/28', '2001:db8::/64', '198.51.100.7']),
    algorithms: fc.subarray(['rsa', 'ed25519'], { minLength: 1 }),
    classes: fc.subarray(['hosted', 'hybrid', 'notification']),
    demand: fc.constantFrom('off', 'prefer', 'require'),
  })

  test('applies again to an empty plan, for random policies', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (random) => {
        fc.pre(random.name.trim() !== '' && random.reason.trim() !== '')
        const customers = [
          {
            id: 'acme',
            name: random.name,
            plan: random.plan,
            contacts: [{ email: 'a@acme.example', language: 'tr' }],
            domains: [
              {
                name: 'acme.example',
                proof: 'asserted',
                approvedBy: random.name,
                reason: random.reason,
                until: random.until,
              },
              {
                name: 'b.example',
                includeSubdomains: true,
                signing: { algorithms: random.algorithms },
                returnPath: 'x.b.example',
              },
            ],
            sources: [
              { id: 'm', kind: 'm365', tenant, originators: ['acme.example'], hybridHosts: random.networks.slice(2) },
              {
                id: 'n',
                kind: 'network',
                networks: random.networks,
                leases: [{ address: '203.0.113.7', from: '2026-11-01T00:00Z', until: '2026-12-01' }],
              },
              { id: 'c', kind: 'mtls', fingerprints: [`sha256:${'0e'.repeat(32)}`] },
            ],
            grants: [
              {
                id: 'off',
                source: 'm',
                domains: ['acme.example'],
                classes: random.classes,
                limits: random.limits,
                approvedBy: random.name,
                reason: random.reason,
                evidence: { dkim: random.demand },
              },
            ],
          },
          { id: '123', name: '0x10' },
        ]
        await registry.apply(policy(JSON.stringify({ customers })), 'ann')
        const exported = await registry.exportPolicy()
        expect(await registry.plan(policy(exported))).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  test('an empty policy exports as one', async () => {
    expect(policy(await registry.exportPolicy()).customers).toEqual([])
  })
})

describe('keys', () => {
  test('are wanted for each (domain, source, algorithm) of a grant, made once, pending, then active', async () => {
    await registry.apply(
      acme({ domains: asserted('acme.example', ', signing: { algorithms: [ed25519, rsa] }') }),
      'ann',
    )
    const wanted = await registry.keysWanted()
    expect(wanted).toEqual([
      {
        customer: 'acme',
        domain: 'acme.example',
        source: 'acme-m365',
        algorithm: 'ed25519-sha256',
        selector: 'a1-acme-m365-e1',
      },
      {
        customer: 'acme',
        domain: 'acme.example',
        source: 'acme-m365',
        algorithm: 'rsa-sha256',
        bits: 2048,
        selector: 'a1-acme-m365-r1',
      },
    ])
    await makeKeys()
    expect(await registry.keysWanted()).toEqual([])
    const listed = await registry.keys()
    expect(listed).toMatchObject([
      {
        domain: 'acme.example',
        source: 'acme-m365',
        selector: 'a1-acme-m365-e1',
        algorithm: 'ed25519',
        state: 'pending',
      },
      { selector: 'a1-acme-m365-r1', algorithm: 'rsa-2048', state: 'pending', seenAt: null },
    ])
    expect(listed[1]?.record).toEqual({
      name: 'a1-acme-m365-r1._domainkey.acme.example',
      type: 'TXT',
      value: `v=DKIM1; k=rsa; p=${listed[1]?.publicKey}`,
    })
    const before = await registry.load()
    expect(before.activeKeys('acme', 'acme-m365', 'acme.example' as Domain)).toEqual([])
    for (const key of listed) await registry.markKeyActive(key.selector, key.domain)
    const { snapshot: after, customers } = await registry.loadChanges(before)
    expect(customers).toEqual([])
    expect(after.version).toBe(before.version + 2)
    expect(after.activeKeys('acme', 'acme-m365', 'acme.example' as Domain).map((key) => key.selector)).toEqual([
      'a1-acme-m365-r1',
      'a1-acme-m365-e1',
    ])
    expect((await registry.keys())[0]).toMatchObject({ state: 'active', seenAt: start })
  })

  test('a key becomes active once, and an unknown one never', async () => {
    await registry.apply(acme(), 'ann')
    await makeKeys()
    expect(await registry.markKeyActive('a1-acme-m365-r1', 'acme.example')).toBe(2)
    expect(await registry.markKeyActive('a1-acme-m365-r1', 'acme.example')).toBeNull()
    expect(await registry.markKeyActive('a1-acme-m365-r1', 'other.example')).toBeNull()
    expect(await registry.currentVersion()).toBe(2)
  })

  test('a revoked key signs nothing from its version on, signed at older ones, and a new one is wanted', async () => {
    await registry.apply(acme(), 'ann')
    await makeKeys()
    await registry.markKeyActive('a1-acme-m365-r1', 'acme.example')
    expect(await registry.revokeKey({ selector: 'a1-acme-m365-r1', domain: 'acme.example' }, 'ann', 'leaked')).toBe(3)
    expect(
      await registry.revokeKey({ selector: 'a1-acme-m365-r1', domain: 'acme.example' }, 'ann', 'leaked'),
    ).toBeNull()
    const active = async (version: number) =>
      (await registry.snapshotAt(version))?.activeKeys('acme', 'acme-m365', 'acme.example' as Domain).length
    expect([await active(1), await active(2), await active(3)]).toEqual([0, 1, 0])
    expect(await registry.keysWanted()).toMatchObject([{ selector: 'a1-acme-m365-r2' }])
    expect(await registry.activeKey({ selector: 'a1-acme-m365-r1', domain: 'acme.example' })).toBeNull()
    const before = (await registry.snapshotAt(2)) as NonNullable<Awaited<ReturnType<Registry['snapshotAt']>>>
    expect((await registry.loadChanges(before)).lostKeys).toEqual([
      { selector: 'a1-acme-m365-r1', domain: 'acme.example' },
    ])
    expect((await registry.loadChanges(await registry.load())).lostKeys).toEqual([])
  })

  test('a key of the customer before is nothing to the customer after', async () => {
    await registry.apply(acme(), 'ann')
    await makeKeys()
    await registry.markKeyActive('a1-acme-m365-r1', 'acme.example')
    await registry.apply(policy(`customers:\n${customer({ id: 'other' })}`), 'ann')
    const snapshot = await registry.load()
    expect(snapshot.activeKeys('other', 'acme-m365', 'acme.example' as Domain)).toEqual([])
    expect(snapshot.activeKeys('acme', 'acme-m365', 'acme.example' as Domain)).toEqual([])
    expect(await registry.keysWanted()).toMatchObject([{ customer: 'other', selector: 'a1-acme-m365-r2' }])
  })

  test('the signer is given active keys alone', async () => {
    await registry.apply(acme(), 'ann')
    await makeKeys()
    const name = { selector: 'a1-acme-m365-r1', domain: 'acme.example' }
    expect(await registry.activeKey(name)).toBeNull()
    await registry.markKeyActive(name.selector, name.domain)
    expect(await registry.activeKey(name)).toEqual({
      ...name,
      customer: 'acme',
      source: 'acme-m365',
      algorithm: 'rsa-sha256',
      wrapped: 'v1:a1-acme-m365-r1',
    })
    expect(await registry.activeKey({ ...name, domain: 'other.example' })).toBeNull()
  })

  test('keys are wanted by the latest change first, and so many as one asks for', async () => {
    await registry.apply(policy(`customers:\n${customer({ id: 'acme' })}`), 'ann')
    await registry.apply(two(), 'ann')
    expect(await registry.keysWanted()).toMatchObject([{ customer: 'other' }, { customer: 'acme' }])
    expect(await registry.keysWanted(1)).toMatchObject([{ customer: 'other' }])
    await registry.addKeys((await registry.keysWanted(1)).map(made))
    expect(await registry.keysWanted(1)).toMatchObject([{ customer: 'acme' }])
    await registry.apply(policy('customers: []'), 'ann')
    expect(await registry.keysWanted()).toEqual([])
  })

  test('several keys become active in one version, and those that cannot are passed over', async () => {
    await registry.apply(two(), 'ann')
    await makeKeys()
    const names = (await registry.keys()).map(({ selector, domain }) => ({ selector, domain }))
    expect(await registry.markKeysActive([...names, { selector: 'none', domain: 'acme.example' }])).toBe(2)
    expect((await registry.keys()).every((key) => key.state === 'active')).toBe(true)
    expect(await registry.markKeysActive(names)).toBeNull()
  })

  test('a pending key is looked for when it is due, the new ones not behind many old ones', async () => {
    await registry.apply(two(), 'ann')
    await makeKeys()
    const names = (await registry.keys()).map(({ selector, domain }) => ({ selector, domain }))
    expect(await registry.keysToLookFor(start - 1, 10)).toEqual([])
    expect(await registry.keysToLookFor(start, 10)).toHaveLength(names.length)
    await registry.lookForKeysAgain(names.map((name, at) => ({ ...name, at: start + at * day })))
    const due = async (now: number, limit: number) =>
      (await registry.keysToLookFor(now, limit)).map((key) => key.selector)
    expect(await due(start, 10)).toEqual([names[0]?.selector])
    expect(await due(start + 9 * day, 1)).toEqual([names[0]?.selector, names.at(-1)?.selector])
    await registry.markKeysActive(names)
    expect(await registry.keysToLookFor(start + 9 * day, 10)).toEqual([])
  })

  test('one whose record is no key record is refused', async () => {
    await registry.apply(acme(), 'ann')
    const [key] = (await registry.keysWanted()).map(made)
    await expect(registry.addKeys([{ ...(key as MadeKey), publicRecord: 'v=DKIM1; p=AAAA' }])).rejects.toThrow(
      'bad record',
    )
    expect(await registry.keys()).toEqual([])
  })
})

describe('marks', () => {
  test('a mark on a source replaces the one of its kind, and makes a version that relays see', async () => {
    const mark = {
      key: tenant.toUpperCase(),
      kind: 'suspended' as const,
      reason: 'campaign',
      by: 'ann',
      since: start,
      until: null,
    }
    await registry.setStanding(mark)
    await registry.setStanding({ ...mark, reason: 'worse' })
    await registry.setStanding({ ...mark, kind: 'hold', until: start + day })
    expect(await registry.standing()).toEqual([
      { ...mark, key: tenant, kind: 'hold', until: start + day },
      { ...mark, key: tenant, reason: 'worse' },
    ])
    expect(await registry.liftStanding(tenant, 'suspended', 'bob', 'cleared')).toBe(true)
    expect(await registry.liftStanding(tenant, 'suspended', 'bob', 'cleared')).toBe(false)
    expect((await registry.standing()).map((one) => one.kind)).toEqual(['hold'])
    expect(await registry.currentVersion()).toBe(4)
  })
})

describe('the policy file', () => {
  const write = (text: string) => {
    const path = join(directory, 'policy.yaml')
    writeFileSync(path, text)
    return applyPolicyFile(registry, path, context, 'policy.yaml')
  }

  test('is applied, and a bad or absent one leaves the policy in force', async () => {
    expect(await write(`customers:\n${customer({})}`)).toMatchObject({ version: 1 })
    expect(await write('customers: [{ id: Bad, colour: blue }]')).toEqual({
      problems: [
        expect.stringMatching(/^policy\.yaml:1:19 customers\.0\.id: must be/),
        'policy.yaml:1:24 customers.0.colour: there is no such key',
      ],
    })
    expect(await applyPolicyFile(registry, join(directory, 'absent.yaml'), context, 'absent.yaml')).toEqual({
      problems: [expect.stringMatching(/^absent\.yaml:1:1 cannot be read: ENOENT/)],
    })
    expect((await registry.load()).customers.has('acme')).toBe(true)
    expect(await registry.currentVersion()).toBe(1)
  })
})

describe('processes', () => {
  test('that start together migrate once, and their applies make versions one after the other', async () => {
    const fresh = `sqlite:${join(directory, 'fresh.db')}`
    const href = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const program = (name: string) => `
      import { openStore } from ${href('../../platform/sql.ts')}
      import { migrateRegistry, openRegistry, policyContext, readPolicy } from ${href('./index.ts')}
      const db = openStore(${JSON.stringify(fresh)})
      await migrateRegistry(db)
      const registry = openRegistry(db, 'relay.example.net', { now: () => Date.now() })
      const context = policyContext('relay.example.net', { m365: { networks: null }, google: { networks: null } })
      for (let at = 0; at < 5; at++) await registry.apply(await readPolicy('customers: [{ id: ${name}-' + at + ' }]', 'p', context), '${name}')
      await db.destroy()
    `
    const runs = ['a', 'b', 'c'].map(
      (name) =>
        new Promise<string>((resolve) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', program(name)], {
            stdio: ['ignore', 'ignore', 'pipe'],
          })
          let complaint = ''
          child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
          child.on('close', (code) => resolve(code === 0 ? 'done' : complaint))
        }),
    )
    expect(await Promise.all(runs)).toEqual(['done', 'done', 'done'])
    const other = openStore<unknown>(fresh)
    const joint = openRegistry(other, operator, { now: () => now })
    expect(await joint.currentVersion()).toBe(15)
    expect((await joint.load()).customers.size).toBe(2)
    await other.destroy()
  })
})

function byId({ customers }: Snapshot): ReadonlyMap<string, Customer> {
  return new Map([...customers.values()].map((one) => [one.id, one]))
}
