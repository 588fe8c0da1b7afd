import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Tenant } from './exchange-online.ts'

/** The part of Microsoft's sign-in service that tells anybody which tenant a domain belongs to. */
export type MicrosoftLogin = {
  /** What `providers.m365.login` names. */
  readonly url: string
  /** A tenant that has come since. */
  add(tenant: Tenant): void
  /** Answers for this domain with whatever a test wants: what a stranger at that name might say. */
  answer(domain: string, document: string): void
  /** Sends whoever asks for this domain elsewhere. */
  move(domain: string, location: string): void
  close(): Promise<void>
}

const pathOfDocument = /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/

/**
 * Serves the OpenID Connect discovery document of each domain of these tenants, in the service's form: the tenant id stands in
 * `issuer`, and a domain that nobody has is a 400 with `invalid_tenant`.
 */
export async function startMicrosoftLogin(tenants: readonly Tenant[]): Promise<MicrosoftLogin> {
  const documents = new Map<string, string>()
  const add = ({ id, domains, initialDomain }: Tenant): void => {
    for (const domain of [...domains, initialDomain]) documents.set(domain, documentOf(id))
  }
  tenants.forEach(add)
  const moved = new Map<string, string>()
  const server = createServer((request, response) => {
    const domain = pathOfDocument.exec(request.url ?? '')?.[1] ?? ''
    const location = moved.get(domain)
    if (location !== undefined) return response.writeHead(302, { location }).end()
    const document = documents.get(domain)
    return response
      .writeHead(document === undefined ? 400 : 200, { 'content-type': 'application/json; charset=utf-8' })
      .end(document ?? JSON.stringify({ error: 'invalid_tenant' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    add,
    answer: (domain, document) => documents.set(domain, document),
    move: (domain, location) => moved.set(domain, location),
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

function documentOf(tenant: string): string {
  const base = `https://login.microsoftonline.com/${tenant}`
  return JSON.stringify({
    token_endpoint: `${base}/oauth2/v2.0/token`,
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    tenant_region_scope: 'EU',
    cloud_instance_name: 'microsoftonline.com',
  })
}
