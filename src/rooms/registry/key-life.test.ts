import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../platform/sql.ts'
import { formatKeyRecord, publicKeyText } from '../../standards/dkim/key-record.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type MadeKey, type Registry, isPolicyProblems, migrateRegistry, openRegistry, policyContext } from './index.ts'
import { readPolicy } from './document/read-policy.ts'

const operator = 'relay.example.net' as Domain
const context = policyContext(operator, { m365: { networks: null }, google: { networks: null } })
const day = 86_400_000
const start = Date.UTC(2026, 10, 24)
const giveUpAfter = 5 * day
const acme = 'acme.example' as Domain

let directory: string
let db: Kysely<unknown>
let registry: Registry
let now: number

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'key-life-'))
  db = openStore(`sqlite:${join(directory, 'store.db')}`)
  await migrateRegistry(db)
  now = start
  registry = openRegistry(db, operator, { now: () => now })
})
afterEach(async () => {
  await db.destroy()
  rmSync(directory, { recursive: true })
})

/** Acme with two sources, each with a grant. */
async function apply(algorithms = 'rsa', sources: readonly string[] = ['crm', 'erp']): Promise<void> {
  const text = `customers:
  - id: acme
    domains: [{ name: acme.example, proof: asserted, approvedBy: a, reason: r, signing: { algorithms: [${algorithms}] } }]
    sources: [${sources.map((id, at) => `{ id: ${id}, kind: network, networks: [192.0.2.${at + 1}] }`).join(', ')}]
    grants: [${sources.map((id) => `{ source: ${id}, domains: [acme.example], classes: [hosted], approvedBy: a, reason: r }`).join(', ')}]
`
  const policy = readPolicy(text, 'p.yaml', context)
  if (isPolicyProblems(policy)) throw new Error(policy.lines.join('\n'))
  await registry.apply(policy, 'ann')
}

/** One pair of each kind serves all: what matters here is whose they are. */
const pairs = new Map<string, string>()

function publicKeyFor(algorithm: MadeKey['algorithm'], bits: number): string {
  const kind = `${algorithm} ${bits}`
  const pair =
    algorithm === 'rsa-sha256'
      ? () => generateKeyPairSync('rsa', { modulusLength: bits })
      : () => generateKeyPairSync('ed25519')
  const p = pairs.get(kind) ?? publicKeyText(pair().publicKey)
  pairs.set(kind, p)
  return p
}

function made(key: Omit<MadeKey, 'wrapped' | 'p' | 'publicRecord'> & { readonly bits?: number }): MadeKey {
  const p = publicKeyFor(key.algorithm, key.bits ?? 2048)
  return { ...key, wrapped: `v1:${key.selector}`, p, publicRecord: formatKeyRecord(key.algorithm, p) }
}

async function makeKeys(): Promise<readonly string[]> {
  return (await registry.addKeys((await registry.keysWanted()).map(made))).map((key) => key.selector)
}

const name = (selector: string) => ({ selector, domain: acme })
const states = async () => Object.fromEntries((await registry.keys()).map((key) => [key.selector, key.state] as const))
const signing = async (source = 'crm', version?: number) => {
  const snapshot = version === undefined ? await registry.load() : await registry.snapshotAt(version)
  return snapshot?.activeKeys('acme', source, acme).map((key) => key.selector)
}
const rotate = (which: { source?: string; before?: number; dryRun?: boolean } = {}) =>
  registry.rotateKeys(
    {
      domain: null,
      source: which.source ?? null,
      before: which.before ?? now,
      limit: 100,
      dryRun: which.dryRun ?? false,
    },
    'ann',
    'rotation',
  )

/** Both keys made and active. */
async function begin(algorithms = 'rsa'): Promise<void> {
  await apply(algorithms)
  await makeKeys()
  await registry.markKeysActive((await registry.keys()).map(({ selector }) => name(selector)))
}

describe('rotation', () => {
  test('has a successor made for each source, and the last good key signs until that was seen', async () => {
    await begin()
    const answer = await rotate({ source: 'crm' })
    expect(answer.map(({ key, outcome }) => [key.selector, outcome])).toEqual([['a1-crm-r1', 'asked']])
    expect((await rotate({ source: 'crm' })).map(({ outcome }) => outcome)).toEqual(['under-way'])
    expect(await makeKeys()).toEqual(['a1-crm-r2'])
    expect((await rotate({ source: 'crm' })).map(({ outcome }) => outcome)).toEqual(['under-way'])
    now += 30 * day
    expect([await signing('crm'), await signing('erp')]).toEqual([['a1-crm-r1'], ['a1-erp-r1']])

    const version = await registry.markKeyActive('a1-crm-r2', acme)
    expect(await states()).toEqual({ 'a1-crm-r1': 'retiring', 'a1-crm-r2': 'active', 'a1-erp-r1': 'active' })
    // In one version: at none is there nobody, or both.
    expect([await signing('crm', (version ?? 0) - 1), await signing('crm', version ?? 0)]).toEqual([
      ['a1-crm-r1'],
      ['a1-crm-r2'],
    ])
    expect(await signing('erp')).toEqual(['a1-erp-r1'])
  })

  test('a dry run asks for nothing, and a key that no grant needs is not rotated', async () => {
    await begin()
    const version = await registry.currentVersion()
    expect((await rotate({ dryRun: true })).map(({ outcome }) => outcome)).toEqual(['asked', 'asked'])
    expect([await registry.keysWanted(), await registry.currentVersion()]).toEqual([[], version])
    await apply('rsa', ['crm'])
    expect(Object.fromEntries((await rotate()).map(({ key, outcome }) => [key.selector, outcome]))).toEqual({
      'a1-crm-r1': 'asked',
      'a1-erp-r1': 'not-needed',
    })
  })

  test('what it asked for outlives an apply before the key is made', async () => {
    await begin()
    await rotate({ source: 'crm' })
    await apply('rsa', ['crm', 'erp', 'new'])
    expect((await registry.keysWanted()).map((key) => key.selector).toSorted()).toEqual(['a1-crm-r2', 'a1-new-r1'])
  })

  test('by age takes those alone that have signed for so long', async () => {
    await begin()
    now += 10 * day
    await rotate({ source: 'crm' })
    await makeKeys()
    await registry.markKeyActive('a1-crm-r2', acme)
    expect((await rotate({ before: now - 9 * day, dryRun: true })).map(({ key }) => key.selector)).toEqual([
      'a1-erp-r1',
    ])
  })

  test('an old key is retiring until nothing can be on its way, then to be removed until it is gone', async () => {
    await begin()
    await rotate({ source: 'crm' })
    await makeKeys()
    await registry.markKeyActive('a1-crm-r2', acme)
    const age = () => registry.markKeysAged([name('a1-crm-r1')], giveUpAfter)
    const due = async () => (await registry.keysToLookFor(now, 10)).map((key) => key.selector)
    now += 12 * day - 1
    await age()
    expect([(await states())['a1-crm-r1'], await due()]).toEqual(['retiring', []])
    now += 1
    expect(await due()).toEqual(['a1-crm-r1'])
    await age()
    expect([(await states())['a1-crm-r1'], await due()]).toEqual(['retired', ['a1-crm-r1']])
    await registry.markKeysGone([name('a1-crm-r1')])
    expect(await due()).toEqual([])
    expect((await registry.keys()).find((key) => key.selector === 'a1-crm-r1')?.goneAt).toBe(now)
  })

  test('goes between two names; a name used again waits until caches have forgotten', async () => {
    await begin()
    await rotate({ source: 'crm' })
    await makeKeys()
    await registry.markKeyActive('a1-crm-r2', acme)
    now += 13 * day
    await registry.markKeysAged([name('a1-crm-r1')], giveUpAfter)
    await rotate({ source: 'crm' })
    expect(await makeKeys()).toEqual(['a1-crm-r1'])
    expect(await states()).toMatchObject({ 'a1-crm-r1': 'pending', 'a1-crm-r2': 'active' })
    expect(await registry.markKeyActive('a1-crm-r1', acme)).toBeNull()
    expect([await states(), await signing()]).toEqual([
      { 'a1-crm-r1': 'published', 'a1-crm-r2': 'active', 'a1-erp-r1': 'active' },
      ['a1-crm-r2'],
    ])
    await registry.markKeysHidden([name('a1-crm-r1')])
    expect((await states())['a1-crm-r1']).toBe('pending')
    await registry.markKeyActive('a1-crm-r1', acme)
    now += day - 1
    expect(await registry.markKeyActive('a1-crm-r1', acme)).toBeNull()
    now += 1
    expect((await registry.keysToLookFor(now, 10)).map((key) => key.selector)).toEqual(['a1-crm-r1'])
    const version = await registry.markKeyActive('a1-crm-r1', acme)
    expect([await states(), await signing()]).toEqual([
      { 'a1-crm-r1': 'active', 'a1-crm-r2': 'retiring', 'a1-erp-r1': 'active' },
      ['a1-crm-r1'],
    ])
    // What signed under the same name long ago still tells when it did.
    expect(await signing('crm', 2)).toEqual(['a1-crm-r1'])
    expect(await signing('crm', (version ?? 0) - 1)).toEqual(['a1-crm-r2'])
    expect((await registry.activeKey(name('a1-crm-r1')))?.wrapped).toBe('v1:a1-crm-r1')
  })

  test('of the length that the policy names', async () => {
    await begin()
    await apply('rsa-3072')
    expect((await registry.keysWanted()).map(({ selector, bits }) => [selector, bits])).toEqual([
      ['a1-crm-r2', 3072],
      ['a1-erp-r2', 3072],
    ])
    await makeKeys()
    expect(await signing()).toEqual(['a1-crm-r1'])
    await registry.markKeyActive('a1-crm-r2', acme)
    expect([await signing(), (await registry.keys())[1]?.algorithm]).toEqual([['a1-crm-r2'], 'rsa-3072'])
    // rsa asks for some RSA key: a longer one will do.
    await apply('rsa')
    expect(await registry.keysWanted()).toEqual([])
  })
})

describe('revoking', () => {
  test('ends one source alone, wants a replacement, and shows what must stand in DNS', async () => {
    await begin()
    const before = await registry.load()
    await registry.revokeKey(name('a1-crm-r1'), 'ann', 'leaked')
    expect([await signing('crm'), await signing('erp')]).toEqual([[], ['a1-erp-r1']])
    expect((await registry.loadChanges(before)).lostKeys).toEqual([name('a1-crm-r1')])
    expect(await makeKeys()).toEqual(['a1-crm-r2'])
    const listed = (await registry.keys()).find((key) => key.selector === 'a1-crm-r1')
    expect(listed?.record.value).toBe('v=DKIM1; k=rsa; p=')
    expect(listed?.publicKey).not.toBe('')
    await registry.markKeyActive('a1-crm-r2', acme)
    expect(await signing('crm')).toEqual(['a1-crm-r2'])
    // A name under which somebody may still believe the key is not used again.
    await registry.revokeKey(name('a1-crm-r2'), 'ann', 'leaked too')
    expect(await makeKeys()).toEqual(['a1-crm-r3'])
    await registry.markKeysGone([name('a1-crm-r1')])
    await registry.revokeKey(name('a1-crm-r3'), 'ann', 'leaked as well')
    expect(await makeKeys()).toEqual(['a1-crm-r1'])
  })

  test('is possible in every state, once', async () => {
    await begin()
    await rotate({ source: 'crm' })
    await makeKeys()
    for (const selector of ['a1-crm-r2', 'a1-crm-r1', 'a1-erp-r1']) {
      expect(await registry.revokeKey(name(selector), 'ann', 'r')).not.toBeNull()
      expect(await registry.revokeKey(name(selector), 'ann', 'r')).toBeNull()
    }
    expect(Object.values(await states())).toEqual(['revoked', 'revoked', 'revoked'])
    expect(await registry.markKeysActive([name('a1-crm-r2')])).toBeNull()
  })

  test('with a successor under way wants no other', async () => {
    await begin()
    await rotate({ source: 'crm' })
    await makeKeys()
    await registry.revokeKey(name('a1-crm-r1'), 'ann', 'leaked')
    expect(await registry.keysWanted()).toEqual([])
  })
})

test('a key that rests at a name used again need not rest when the one before it is revoked', async () => {
  await begin()
  await rotate({ source: 'crm' })
  await makeKeys()
  await registry.markKeyActive('a1-crm-r2', acme)
  now += 13 * day
  await registry.markKeysAged([name('a1-crm-r1')], giveUpAfter)
  await rotate({ source: 'crm' })
  await makeKeys()
  expect(await registry.markKeyActive('a1-crm-r1', acme)).toBeNull()
  await registry.revokeKey(name('a1-crm-r2'), 'ann', 'leaked')
  expect((await registry.keysToLookFor(now, 10)).map((key) => key.selector).toSorted()).toEqual([
    'a1-crm-r1',
    'a1-crm-r2',
  ])
  expect(await registry.markKeyActive('a1-crm-r1', acme)).not.toBeNull()
  expect(await signing()).toEqual(['a1-crm-r1'])
})

test("the relay's own key is rotated and replaced like any other", async () => {
  const own = {
    customer: 'self',
    domain: operator,
    source: 'self',
    algorithm: 'rsa-sha256',
    selector: 'a1-self-r1',
  } as const
  await registry.addKeys([made(own)])
  await registry.markKeyActive('a1-self-r1', operator)
  expect((await rotate()).map(({ outcome }) => outcome)).toEqual(['asked'])
  expect(await makeKeys()).toEqual(['a1-self-r2'])
  await registry.markKeyActive('a1-self-r2', operator)
  await registry.revokeKey({ selector: 'a1-self-r2', domain: operator }, 'ann', 'leaked')
  expect((await registry.keysWanted()).map((key) => key.selector)).toEqual(['a1-self-r3'])
})

describe('import', () => {
  const foreign = (more: Partial<MadeKey> = {}) =>
    made({ customer: 'acme', domain: acme, source: 'crm', algorithm: 'rsa-sha256', selector: 'mail', ...more })

  test('gives up ours that never signed, and signs when its record was seen', async () => {
    await apply()
    await makeKeys()
    expect(await registry.importKey(foreign(), 'ann', 'import')).toBe('imported')
    expect(await states()).toEqual({ 'a1-crm-r1': 'retired', mail: 'pending', 'a1-erp-r1': 'pending' })
    await registry.markKeyActive('mail', acme)
    expect([await signing('crm'), await signing('erp'), await registry.keysWanted()]).toEqual([['mail'], [], []])
  })

  test('follows one that signs, and rotates to a name of ours', async () => {
    await begin()
    await registry.importKey(foreign(), 'ann', 'import')
    expect(await signing()).toEqual(['a1-crm-r1'])
    await registry.markKeyActive('mail', acme)
    expect([await signing(), (await states())['a1-crm-r1']]).toEqual([['mail'], 'retiring'])
    await rotate({ source: 'crm' })
    expect(await makeKeys()).toEqual(['a1-crm-r2'])
  })

  test('is refused for what no grant names, and where the name is taken', async () => {
    await begin()
    expect(await registry.importKey(foreign({ source: 'unknown' }), 'ann', 'i')).toBe('unknown')
    expect(await registry.importKey(foreign({ customer: 'other' }), 'ann', 'i')).toBe('unknown')
    expect(await registry.importKey(foreign({ algorithm: 'ed25519-sha256' }), 'ann', 'i')).toBe('unknown')
    expect(await registry.importKey(foreign({ selector: 'a1-crm-r1' }), 'ann', 'i')).toBe('taken')
    expect(Object.keys(await states())).toHaveLength(2)
  })
})

test('wrappings are replaced page by page, each key once', async () => {
  await begin('rsa, ed25519')
  const seen: string[] = []
  for (let after: string | null = null; ;) {
    const page = await registry.wrappedKeys(after, 3)
    if (page.length === 0) break
    await registry.rewrapKeys(page.map((placed) => ({ ...placed, wrapped: `new:${placed.key.selector}` })))
    seen.push(...page.map(({ key }) => key.selector))
    after = page.at(-1)?.at ?? null
  }
  expect(seen.toSorted()).toEqual(['a1-crm-e1', 'a1-crm-r1', 'a1-erp-e1', 'a1-erp-r1'])
  const [first] = await registry.wrappedKeys(null, 1)
  expect(first?.key.wrapped).toBe('new:a1-crm-e1')
  if (first === undefined) return
  // One that was changed since it was read stays.
  await registry.rewrapKeys([{ ...first, key: { ...first.key, wrapped: 'as it was' }, wrapped: 'late' }])
  expect((await registry.wrappedKeys(null, 1))[0]?.key.wrapped).toBe('new:a1-crm-e1')
})

test('a store from before has its keys after the migration', async () => {
  await begin()
  const rows = await sql<{ selector: string }>`select * from signing_key`.execute(db)
  // The table as it was.
  await sql`drop table signing_key`.execute(db)
  await sql`create table signing_key (domain text not null, selector text not null, source text not null, customer text not null,
    algorithm text not null, bits integer not null, generation integer not null, state text not null, wrapped text not null,
    public_key text not null, record text not null, created_at bigint not null, seen_at bigint, active_from_version bigint,
    active_until_version bigint, look_at bigint, constraint signing_key_key primary key (domain, selector))`.execute(db)
  for (const index of ['from', 'until', 'look', 'customer']) {
    const column = index === 'customer' ? 'customer' : index === 'look' ? 'look_at' : `active_${index}_version`
    await sql`create index ${sql.ref(`signing_key_${index}`)} on signing_key (${sql.ref(column)})`.execute(db)
  }
  for (const row of rows.rows) {
    const { state_since: _since, gone_at: _gone, ...old } = row as unknown as Record<string, unknown>
    const columns = Object.keys(old)
    await sql`insert into signing_key (${sql.join(columns.map((column) => sql.ref(column)))}) values (${sql.join(Object.values(old))})`.execute(
      db,
    )
  }
  await sql`alter table wanted_key drop column bits`.execute(db)
  await sql`alter table wanted_key drop column rotation`.execute(db)
  await sql`delete from schema_migration where name = '003-life-of-keys'`.execute(db)
  await migrateRegistry(db)
  expect(await states()).toEqual({ 'a1-crm-r1': 'active', 'a1-erp-r1': 'active' })
  expect(await signing()).toEqual(['a1-crm-r1'])
  expect((await registry.keys())[0]?.since).toBe(start)
  expect(await registry.keysWanted()).toEqual([])
})
