import type { Kysely } from 'kysely'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../platform/sql.ts'
import type { Domain } from '../../standards/names/domain.ts'
import {
  type Registry,
  isPolicyProblems,
  migrateRegistry,
  openRegistry,
  policyContext,
  readPolicyFor,
} from './index.ts'

const operator = 'relay.example.net' as Domain
const context = policyContext(operator, { m365: { networks: null }, google: { networks: null } })
const day = 86_400_000
const graceMs = 3 * day
const start = Date.UTC(2026, 10, 24)
const acmeExample = 'acme.example' as Domain

let directory: string
let db: Kysely<unknown>
let registry: Registry
let now: number

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'proofs-'))
  db = openStore(`sqlite:${join(directory, 'store.db')}`)
  await migrateRegistry(db)
  now = start
  registry = openRegistry(db, operator, { now: () => now })
})
afterEach(async () => {
  await db.destroy()
  rmSync(directory, { recursive: true })
})

const lists = (...owned: readonly (readonly [customer: string, ...domains: string[]])[]): string =>
  `customers:\n${owned.map(([id, ...domains]) => `  - { id: ${id}, domains: [${domains.join(', ')}] }`).join('\n')}\n`
const dns = (name: string, more = '') => `{ name: ${name}${more} }`
const asserted = (name: string) => `{ name: ${name}, proof: asserted, approvedBy: admin@relay.example, reason: test }`

/** The problems of a policy, or the version that applying it made. */
async function apply(text: string): Promise<readonly string[] | number> {
  const policy = await readPolicyFor(registry, { text, file: 'p.yaml', report: true }, context)
  if (isPolicyProblems(policy)) return policy.lines
  return (await registry.apply(policy, 'ann')).version
}

/** Looks at every proof; those of the domains named are seen, the others absent, or all in trouble. */
async function look(seen: readonly string[] | 'trouble', grace = graceMs) {
  const looks = (await registry.proofs(null)).map((proof) => ({
    ...proof,
    answer:
      seen === 'trouble' ? ('trouble' as const) : seen.includes(proof.domain) ? ('seen' as const) : ('absent' as const),
    because: 'the test says so',
  }))
  return registry.noteProofs(looks, { graceMs: grace, chance: () => 0.5 })
}

const proofAt = async (version: number) => (await registry.snapshotAt(version))?.ownerOf(acmeExample)?.proof ?? null
const states = async () =>
  (await registry.domains()).flatMap((row) =>
    row.customer === null ? [] : `${row.domain} ${row.customer} ${row.state}`,
  )
const kinds = async () => (await registry.events.after(0, 100)).map(({ kind, customer }) => `${kind} ${customer ?? ''}`)

describe('a proof', () => {
  beforeEach(() => apply(lists(['acme', dns('acme.example')])))

  test('is looked for at once, and again later', async () => {
    expect(await registry.proofsToLookFor(now, 10)).toEqual([
      { customer: 'acme', domain: acmeExample, token: expect.stringMatching(/^[0-9a-f]{40}$/) },
    ])
    await look([])
    expect(await registry.proofsToLookFor(now, 10)).toEqual([])
    expect(await registry.proofsToLookFor(now + 5_000, 10)).toHaveLength(1)
  })

  test('that is seen is a version, and who follows the policy hears of it', async () => {
    const before = await registry.load()
    expect(await look([acmeExample])).toMatchObject([{ was: 'unproven', state: 'proven', lapsesAt: null }])
    const news = await registry.loadChanges(before)
    expect(news.customers).toEqual(['acme'])
    expect(news.snapshot.ownerOf(acmeExample)?.proof).toMatchObject({ kind: 'dns', provedAt: start, lapsesAt: null })
    expect((await registry.load()).ownerOf(acmeExample)?.proof).toEqual(news.snapshot.ownerOf(acmeExample)?.proof)
    expect(await look([acmeExample])).toEqual([])
    expect(await registry.currentVersion()).toBe(news.snapshot.version)
    expect(await kinds()).toEqual(['proof-seen acme'])
  })

  test('that is gone counts for the grace, then no more, and each version stays as it was', async () => {
    await look([acmeExample])
    const seenAt = await registry.currentVersion()
    now += day
    await look([])
    const goneAt = await registry.currentVersion()
    expect(await states()).toEqual(['acme.example acme lapsing'])
    expect(await proofAt(goneAt)).toMatchObject({ provedAt: start, lapsesAt: now + graceMs })
    now += graceMs
    expect(await states()).toEqual(['acme.example acme lapsed'])
    await look('trouble')
    expect(await kinds()).toEqual(['proof-seen acme', 'proof-missing acme', 'proof-lapsed acme'])
    expect(await proofAt(seenAt)).toMatchObject({ provedAt: start, lapsesAt: null })
    await look([acmeExample])
    expect(await states()).toEqual(['acme.example acme proven'])
    expect((await registry.load()).ownerOf(acmeExample)?.proof).toMatchObject({ provedAt: now, lapsesAt: null })
  })

  test('is not touched by trouble, which the list tells', async () => {
    await look([acmeExample])
    expect(await look('trouble', 0)).toEqual([])
    expect((await registry.domains())[0]).toMatchObject({
      state: 'proven',
      trouble: 'the test says so',
      seenAt: '2026-11-24T00:00:00.000Z',
    })
  })

  test('ends with the claim: who claims the domain again proves it again', async () => {
    await look([acmeExample])
    const version = await registry.currentVersion()
    expect(await apply('customers: []')).toBe(version + 1)
    expect(await registry.proofs(null)).toEqual([])
    await apply(lists(['acme', dns('acme.example')]))
    expect((await registry.load()).ownerOf(acmeExample)?.proof).toMatchObject({ provedAt: null })
    expect(await proofAt(version + 2)).toMatchObject({ provedAt: null })
    expect(await proofAt(version)).toMatchObject({ provedAt: start })
  })

  test('that was looked for while the policy dropped it is passed over', async () => {
    const [wanted] = await registry.proofs(null)
    await apply('customers: []')
    const looked = { ...wanted!, answer: 'seen', because: 'late' } as const
    expect(await registry.noteProofs([looked], { graceMs, chance: () => 0 })).toEqual([])
  })
})

describe('one owner for each domain', () => {
  test('of two in one file the second is told, and both customers hear of it', async () => {
    await apply(lists(['acme', dns('acme.example')]))
    const both = lists(['acme', dns('acme.example')], ['globex', dns('acme.example')])
    expect(await apply(both)).toEqual([
      'p.yaml:3:37 customers.1.domains.0.name: acme.example is listed by customer acme already',
    ])
    expect(await kinds()).toEqual(['claim-refused globex', 'claim-refused acme'])
    expect(await states()).toEqual(['acme.example acme unproven', 'acme.example globex refused'])
    const [held, refused] = await registry.domains()
    expect(held?.trouble).toContain('customer globex claimed it too')
    expect(refused).toMatchObject({ record: null, trouble: expect.stringContaining("customer acme's") })
    await apply(both)
    expect(await kinds()).toHaveLength(2)
    await apply(lists(['acme', dns('acme.example')]))
    expect(await states()).toEqual(['acme.example acme unproven'])
  })

  test('who has proved it wins, wherever he stands in the file', async () => {
    await apply(lists(['globex', dns('acme.example')]))
    await look([acmeExample])
    expect(await apply(lists(['acme', dns('acme.example')], ['globex', dns('acme.example')]))).toEqual([
      "p.yaml:2:35 customers.0.domains.0.name: acme.example is customer globex's, who has proved it by DNS",
    ])
    expect(await states()).toEqual(['acme.example globex proven', 'acme.example acme refused'])
  })

  test('nobody asserts what another has proved, not even by the policy that takes it from him', async () => {
    await apply(lists(['globex', dns('acme.example')]))
    await look([acmeExample])
    expect(await apply(lists(['acme', asserted('acme.example')]))).toEqual([
      'p.yaml:2:56 customers.0.domains.0.proof: acme.example cannot be asserted: customer globex has proved it by DNS',
    ])
    await apply('customers: []')
    expect(await apply(lists(['acme', asserted('acme.example')]))).toBeTypeOf('number')
  })

  test('nor a name below one that another has proved with its subdomains', async () => {
    const parent = dns('acme.example', ', includeSubdomains: true')
    const claims = lists(['acme', parent], ['globex', asserted('mail.acme.example')])
    await apply(lists(['acme', parent]))
    expect(await apply(claims)).toBeTypeOf('number')
    await look([acmeExample])
    expect(await apply(claims)).toEqual([
      expect.stringMatching(
        /customers\.1\.domains\.0\.proof: mail\.acme\.example cannot be asserted: customer acme has/,
      ),
    ])
    expect(await apply(lists(['acme', dns('acme.example')], ['globex', asserted('mail.acme.example')]))).toBeTypeOf(
      'number',
    )
  })

  test('its owner may fall back to an assertion', async () => {
    await apply(lists(['acme', dns('acme.example')]))
    await look([acmeExample])
    expect(await apply(lists(['acme', asserted('acme.example')]))).toBeTypeOf('number')
    expect(await registry.proofs(null)).toEqual([])
  })
})

describe('the operator’s own domain', () => {
  test('is proved as any other, and then a key of ours is wanted', async () => {
    await registry.claimOwnDomain()
    await registry.claimOwnDomain()
    expect(await registry.currentVersion()).toBe(0)
    expect(await registry.keysWanted()).toEqual([])
    const before = await registry.load()
    await look([operator])
    expect(await registry.keysWanted()).toMatchObject([{ customer: 'self', source: 'self', domain: operator }])
    const { snapshot } = await registry.loadChanges(before)
    expect(snapshot.ownerOf(operator)).toMatchObject({ customer: 'self', proof: { provedAt: start } })
    expect((await registry.domains())[0]).toMatchObject({ domain: operator, customer: null, state: 'proven' })
  })

  test('when it changes, the old one is forgotten', async () => {
    await registry.claimOwnDomain()
    await look([operator])
    const next = openRegistry(db, 'mx.example.org' as Domain, { now: () => now })
    await next.claimOwnDomain()
    expect(await next.proofs(null)).toMatchObject([{ domain: 'mx.example.org' }])
    expect(await next.keysWanted()).toEqual([])
    expect((await next.load()).ownerOf('mx.example.org' as Domain)?.proof).toMatchObject({ provedAt: null })
  })

  test('of one label alone is not looked for, and the list says why', async () => {
    const local = openRegistry(db, 'localhost' as Domain, { now: () => now })
    await local.claimOwnDomain()
    expect(await local.proofs(null)).toEqual([])
    expect((await local.domains())[0]).toMatchObject({
      state: 'unproven',
      trouble: 'localhost needs at least two labels: set operator.domain',
    })
  })
})

test('events wait until the ledger has them, and no number comes again', async () => {
  await apply(lists(['acme', dns('acme.example')]))
  await look([acmeExample])
  await look([])
  const [first, second] = await registry.events.after(0, 100)
  expect(first).toMatchObject({ kind: 'proof-seen', id: 'domain/acme.example', sequence: 1 })
  expect(await registry.events.find('domain/acme.example')).toEqual([first, second])
  await registry.events.dropBefore(2)
  expect(await registry.events.after(0, 100)).toEqual([second])
  await look([acmeExample])
  expect(await registry.events.after(2, 100)).toMatchObject([{ sequence: 3 }])
})
