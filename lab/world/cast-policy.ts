import { argon2Sync, createHash, randomBytes, X509Certificate } from 'node:crypto'
import { acme, addresses, crm, globex, onPrem } from './cast.ts'
import type { Identity } from './certificates.ts'

export type Policy = { customers: PolicyCustomer[] }
export type PolicyCustomer = {
  id: string
  name: string
  plan?: string
  domains: Record<string, unknown>[]
  sources: Record<string, unknown>[]
  grants: Record<string, unknown>[]
}

/** The policy of the cast, as a person would write it. */
export function castPolicy(erp: Identity): Policy {
  const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
  const approval = { approvedBy: 'admin@acme.example', reason: 'first onboarding' }
  return {
    customers: [
      {
        id: 'acme',
        name: 'Acme Corp',
        domains: [
          { name: 'acme.example', ...asserted, signing: { algorithms: ['rsa', 'ed25519'] } },
          { name: 'acme-sales.example', ...asserted },
          { name: 'unproven.acme.example', proof: 'dns' },
        ],
        sources: [
          {
            id: 'acme-m365',
            kind: 'm365',
            tenant: acme.id,
            originators: ['acme.example', 'acme-sales.example'],
            initialDomain: acme.initialDomain,
            hybridHosts: [onPrem.listed],
          },
          { id: 'acme-crm', kind: 'smtp-auth', username: crm.username, passwordHash: passwordHash(crm.password) },
          { id: 'acme-erp', kind: 'mtls', fingerprints: [fingerprintOf(erp)] },
          { id: 'acme-plant', kind: 'network', networks: [`${addresses.plant}/32`] },
        ],
        grants: [
          {
            id: 'acme-mail',
            source: 'acme-m365',
            domains: ['acme.example'],
            classes: ['hosted', 'hybrid', 'notification'],
            ...approval,
          },
          {
            id: 'acme-crm',
            source: 'acme-crm',
            domains: ['acme.example'],
            classes: ['hosted', 'notification'],
            ...approval,
          },
          { id: 'acme-erp', source: 'acme-erp', domains: ['acme.example'], classes: ['hosted'], ...approval },
          {
            id: 'acme-plant',
            source: 'acme-plant',
            domains: ['acme.example'],
            classes: ['hosted', 'notification'],
            ...approval,
          },
        ],
      },
      {
        id: 'globex',
        name: 'Globex',
        domains: [{ name: 'globex.example', ...asserted }],
        sources: [
          {
            id: 'globex-m365',
            kind: 'm365',
            tenant: globex.id,
            originators: ['globex.example'],
            initialDomain: globex.initialDomain,
          },
        ],
        grants: [{ source: 'globex-m365', domains: ['globex.example'], classes: ['hosted'], ...approval }],
      },
      // A customer that has proved a domain and has not said yet who may send for it.
      { id: 'initech', name: 'Initech', domains: [{ name: 'initech.example', ...asserted }], sources: [], grants: [] },
    ],
  }
}

function fingerprintOf(identity: Identity): string {
  return `sha256:${createHash('sha256').update(new X509Certificate(identity.cert).raw).digest('hex')}`
}

/** A PHC string as the policy holds it; the cost is the least that argon2id allows, since the lab signs in often. */
function passwordHash(password: string): string {
  const nonce = randomBytes(16)
  const tag = argon2Sync('argon2id', {
    message: password,
    nonce,
    parallelism: 1,
    tagLength: 32,
    memory: 8192,
    passes: 2,
  })
  const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=8192,t=2,p=1$${text(nonce)}$${text(tag)}`
}
