import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import type { Domain } from '../names/domain.ts'
import { initialDomainOfAlias, tenantOfIssuer } from './m365-tenant.ts'

const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'
const domain = 'acme.example' as Domain

test('an issuer of Microsoft names the tenant', () => {
  expect(tenantOfIssuer(`https://login.microsoftonline.com/${tenant}/v2.0`)).toBe(tenant)
  expect(tenantOfIssuer(`https://login.microsoftonline.us/${tenant}/v2.0`)).toBe(tenant)
})

test.each([
  undefined,
  7,
  `http://login.microsoftonline.com/${tenant}/v2.0`,
  `https://login.microsoftonline.com.evil.example/${tenant}/v2.0`,
  `https://login.microsoftonline.com/${tenant}/v2.0/`,
  `https://login.microsoftonline.com/${tenant}`,
  'https://login.microsoftonline.com/{tenantid}/v2.0',
  `https://login.microsoftonline.com/${tenant.replaceAll('-', '')}----/v2.0`,
])('%s names none', (issuer) => {
  expect(isSyntaxFault(tenantOfIssuer(issuer))).toBe(true)
})

test.each([
  ['selector1-acme-example._domainkey.acme.onmicrosoft.com', 'acme.onmicrosoft.com'],
  ['Selector2-Acme-Example._domainkey.acme.onmicrosoft.com', 'acme.onmicrosoft.com'],
  ['selector1-acme-example._domainkey.acme.n-v1.dkim.mail.microsoft', 'acme.onmicrosoft.com'],
  ['selector1-other-example._domainkey.acme.onmicrosoft.com', null],
  ['selector1-acme-example._domainkey.acme.onmicrosoft.com.evil.example', null],
  ['selector1-acme-example._domainkey.a.b.onmicrosoft.com', null],
  ['s1.domainkey.u1.wl.sendgrid.net', null],
])('the alias %s leads to %s', (target, initial) => {
  expect(initialDomainOfAlias(domain, target)).toBe(initial)
})
