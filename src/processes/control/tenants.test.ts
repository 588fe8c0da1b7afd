import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DnsServer, startDnsServer } from '../../../lab/world/dns-server.ts'
import { type MicrosoftLogin, startMicrosoftLogin } from '../../../lab/world/microsoft-login.ts'
import { openStore } from '../../platform/sql.ts'
import {
  type CheckedPolicy,
  isPolicyProblems,
  migrateRegistry,
  openRegistry,
  policyContext,
  readPolicy,
} from '../../rooms/registry/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type TenantFinder, notesOnTenants, openTenantFinder } from './tenants.ts'

const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'
const other = '4dd8961f-e488-4e60-8e11-a82d994e183d'
const operator = 'relay.example.net' as Domain

let login: MicrosoftLogin
let dns: DnsServer
let find: TenantFinder
let nobody: TenantFinder
let policy: CheckedPolicy

beforeAll(async () => {
  login = await startMicrosoftLogin([{ id: tenant, domains: ['acme.example'], initialDomain: 'acme.onmicrosoft.com' }])
  login.answer('false.example', JSON.stringify({ issuer: `https://login.evil.example/${tenant}/v2.0` }))
  login.answer('long.example', JSON.stringify({ issuer: 'x'.repeat(100_000) }))
  login.answer('broken.example', '{')
  login.move('moved.example', '/acme.example/v2.0/.well-known/openid-configuration')
  const target = 'selector2-acme-example._domainkey.acme.onmicrosoft.com'
  dns = await startDnsServer({ 'selector2._domainkey.acme.example': { CNAME: target } })

  const db = openStore('sqlite::memory:')
  await migrateRegistry(db)
  const registry = openRegistry(db, operator, { now: () => 0 })
  const source = `{ id: m, kind: m365, tenant: ${other}, originators: [acme.example] }`
  const context = policyContext(operator, { m365: { networks: null }, google: { networks: null } })
  const read = await readPolicy(`customers: [{ id: acme, sources: [${source}] }]`, 'p', context)
  if (isPolicyProblems(read)) throw new Error(read.lines.join())
  policy = read
  await registry.apply(policy, 'ann')
  const reach = { registry, servers: [dns.address], timeoutMs: 1000 }
  find = openTenantFinder({ ...reach, login: login.url })
  nobody = openTenantFinder({ ...reach, login: null })
})
afterAll(async () => {
  await login.close()
  await dns.close()
})

test('a domain is found with its tenant and its initial domain, and held against the policy', async () => {
  expect(await find.resolve(null)).toEqual([
    {
      domain: 'acme.example',
      tenant,
      tenantBy: expect.stringMatching(/\/acme\.example\/v2\.0\/\.well-known\/openid-configuration$/),
      initialDomain: 'acme.onmicrosoft.com',
      initialDomainBy: expect.stringMatching(/^selector2\._domainkey\.acme\.example CNAME selector2-acme-example/),
      sources: [{ customer: 'acme', source: 'm', tenant: other }],
    },
  ])
})

test.each([
  ['nobody.example', /it answered 400/],
  ['false.example', /the issuer is not one of Microsoft/],
  ['long.example', /more than 65536 octets/],
  ['broken.example', /it answered no JSON/],
  ['moved.example', /redirect/],
  ['no domain at all', /not a valid/],
])('%s is not found, and it says why', async (name, words) => {
  expect(await find.resolve([name])).toEqual([
    expect.objectContaining({ tenant: null, tenantBy: expect.stringMatching(words), initialDomain: null }),
  ])
})

test('where it is off, nobody is asked', async () => {
  expect(await nobody.resolve(['acme.example'])).toMatchObject([
    { tenant: null, tenantBy: 'providers.m365.login is off', initialDomain: 'acme.onmicrosoft.com' },
  ])
})

test('whoever adds a source is told what its tenant is, and nothing where nobody is asked', async () => {
  const plan = ['+ customer acme', '+ source acme m m365']
  expect(await notesOnTenants(find, policy, plan)).toEqual([
    `m: Microsoft says that acme.example is of tenant ${tenant} (acme.onmicrosoft.com), but the policy says ${other}`,
  ])
  expect(await notesOnTenants(find, policy, ['~ source acme m m365 (tenant)'])).toEqual([])
  expect(await notesOnTenants(nobody, policy, plan)).toEqual([])
})
