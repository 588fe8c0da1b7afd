import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { type TenantId, parseTenantId } from '../names/tenant.ts'

const issuerShape =
  /^https:\/\/login\.(?:microsoftonline\.com|microsoftonline\.us|partner\.microsoftonline\.cn)\/([0-9a-f-]{36})\/v2\.0$/

/** The tenant id in the `issuer` of an OpenID configuration document (OpenID Connect Discovery 1.0 §4.3), as Microsoft writes it. */
export function tenantOfIssuer(issuer: unknown): TenantId | SyntaxFault {
  const match = typeof issuer === 'string' ? issuerShape.exec(issuer) : null
  return match?.[1] === undefined ? syntaxFault('the issuer is not one of Microsoft') : parseTenantId(match[1])
}

/** The names at which Exchange Online has a domain publish its DKIM keys, as aliases. */
export function dkimAliasNames(domain: Domain): readonly string[] {
  return ['selector1', 'selector2'].map((selector) => `${selector}._domainkey.${domain}`)
}

/**
 * The initial domain that such an alias leads to: `selector1-acme-example._domainkey.acme.onmicrosoft.com`, or, for a domain added lately,
 * `selector1-acme-example._domainkey.acme.n-v1.dkim.mail.microsoft`. Null when it leads elsewhere, or to another domain's key.
 */
export function initialDomainOfAlias(domain: Domain, target: string): Domain | null {
  const own = domain.replaceAll('.', '-')
  const shape =
    /^selector[12]-([a-z0-9-]+)\._domainkey\.([a-z0-9-]+)\.(?:(onmicrosoft\.(?:com|us|de))|[a-z]-v1\.dkim\.mail\.microsoft)$/
  const match = shape.exec(target.toLowerCase())
  if (match === null || match[1] !== own) return null
  const initial = parseDomain(`${match[2]}.${match[3] ?? 'onmicrosoft.com'}`)
  return isSyntaxFault(initial) ? null : initial
}
