import { z } from 'zod'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../../../standards/fault.ts'
import { type Domain, parseDomain } from '../../../standards/names/domain.ts'
import { bitsOf, formatNetwork, parseNetwork } from '../../../standards/names/ip.ts'
import { consumerTenant, parseTenantId } from '../../../standards/names/tenant.ts'
import { isConsumerOriginator } from '../../../standards/providers/index.ts'
import { domainField, emailField, ipField, parsed, positiveInteger } from '../../../standards/yaml/fields.ts'
import { isPasswordHash } from './password-hash.ts'
import { whyNotOwnable } from './ownable.ts'
import { parseInstant } from './instant.ts'
import { selfId } from './self.ts'

/*
 * The shape of a customer as people write it. Outputs are the same shape again with texts normalised, so that a document can be
 * stored, exported, read again and compared.
 */

const idPattern = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/

const idField = z
  .string()
  .regex(idPattern, 'must be lower-case letters, digits and inner hyphens, at most 40')
  .refine((id) => id !== selfId, "self is the relay's own and cannot be written")

const line = z
  .string()
  .max(500, 'is longer than 500 characters')
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'holds a control character')
  .refine((text) => text.trim() !== '', 'is empty')

const ownableDomain = parsed((text): Domain | SyntaxFault => {
  const domain = parseDomain(text)
  if (isSyntaxFault(domain)) return domain
  const why = whyNotOwnable(domain)
  return why === null ? domain : syntaxFault(why)
})

/** A block of one party: wider than this it would be many. */
const partyNetwork = (widest: { readonly 32: number; readonly 128: number }) =>
  parsed((text): string | SyntaxFault => {
    const network = parseNetwork(text)
    if (isSyntaxFault(network)) return network
    const limit = widest[bitsOf(network.address)]
    return network.prefix < limit ? syntaxFault(`is wider than /${limit}`) : formatNetwork(network)
  })

const instantField = parsed((text): string | SyntaxFault => {
  const instant = parseInstant(text)
  return isSyntaxFault(instant) ? instant : text
})

const originatorField = parsed((text): Domain | SyntaxFault => {
  if (isConsumerOriginator(text)) return syntaxFault('belongs to the consumer service, which proves no customer')
  const domain = parseDomain(text)
  return isSyntaxFault(domain) || domain.includes('.') ? domain : syntaxFault('needs at least two labels')
})

const initialDomainField = parsed((text): Domain | SyntaxFault => {
  const domain = parseDomain(text)
  if (isSyntaxFault(domain)) return domain
  const shape = /^[a-z0-9-]+\.(?:onmicrosoft\.(?:com|us|de)|partner\.onmschina\.cn)$/
  return shape.test(domain) ? domain : syntaxFault('is not a name right below onmicrosoft.com')
})

const tenantField = parsed((text) => {
  const tenant = parseTenantId(text)
  return tenant === consumerTenant ? syntaxFault('is the consumer service, which proves no customer') : tenant
})

/** `sha256:` and 64 hexadecimal digits, with or without colons between octets. */
const fingerprintField = parsed((text): string | SyntaxFault => {
  const match = /^sha-?256:((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})$/i.exec(text)
  if (match?.[1] === undefined)
    return syntaxFault("must be sha256: and the 64 hexadecimal digits of the certificate's hash")
  return `sha256:${match[1].replaceAll(':', '').toLowerCase()}`
})

const poolName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be the name of a pool')

/** The name of a pool, or one for each class of mail. */
const poolField = z.union([
  poolName,
  z.strictObject({ hosted: poolName, hybrid: poolName, notification: poolName }).partial(),
])

export const customerHead = z.strictObject({
  id: idField,
  name: line.optional(),
  plan: z.enum(['standard', 'trial']).default('standard'),
  suppression: z.enum(['refuse', 'discard']).optional(),
  pool: poolField.optional(),
  contacts: z.array(z.strictObject({ email: emailField, language: z.enum(['en', 'tr']).default('en') })).default([]),
  domains: z.array(z.unknown()).default([]),
  sources: z.array(z.unknown()).default([]),
  grants: z.array(z.unknown()).default([]),
})

const whenObject = { when: ({ value }: { readonly value: unknown }) => typeof value === 'object' && value !== null }

export const domainDocument = z
  .strictObject({
    name: ownableDomain,
    proof: z.enum(['dns', 'asserted']).default('dns'),
    approvedBy: line.optional(),
    reason: line.optional(),
    until: instantField.optional(),
    includeSubdomains: z.boolean().default(false),
    dnsLock: z.boolean().default(false),
    signing: z
      .strictObject({
        algorithms: z
          .array(z.enum(['rsa', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519']))
          .min(1, 'names no algorithm')
          .refine((all) => new Set(all).size === all.length, 'names an algorithm twice')
          .refine((all) => new Set(all.filter((one) => one !== 'ed25519')).size <= 1, 'names several lengths of RSA')
          .default(['rsa']),
      })
      .prefault({}),
    returnPath: domainField.optional(),
  })
  .superRefine((domain, context) => {
    for (const field of ['approvedBy', 'reason'] as const) {
      if (domain.proof === 'asserted' && domain[field] === undefined) {
        context.addIssue({
          code: 'custom',
          path: [field],
          message: 'is missing: whoever asserts a domain says who and why',
        })
      }
    }
    for (const field of ['approvedBy', 'reason', 'until'] as const) {
      if (domain.proof !== 'asserted' && domain[field] !== undefined) {
        context.addIssue({ code: 'custom', path: [field], message: 'belongs to proof: asserted' })
      }
    }
  }, whenObject)

const leaseDocument = z
  .strictObject({ address: ipField, from: instantField, until: instantField })
  .superRefine((lease, context) => {
    const from = parseInstant(String(lease.from))
    const until = parseInstant(String(lease.until))
    if (!isSyntaxFault(from) && !isSyntaxFault(until) && until <= from) {
      context.addIssue({ code: 'custom', path: ['until'], message: 'is not after from' })
    }
  }, whenObject)

export const sourceDocument = z.discriminatedUnion('kind', [
  z.strictObject({
    id: idField,
    kind: z.literal('m365'),
    tenant: tenantField,
    originators: z.array(originatorField),
    initialDomain: initialDomainField.optional(),
    hybridHosts: z.array(partyNetwork({ 32: 24, 128: 56 })).default([]),
  }),
  z.strictObject({ id: idField, kind: z.literal('google'), workspaceDomain: domainField }),
  z.strictObject({
    id: idField,
    kind: z.literal('smtp-auth'),
    username: z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters'),
    passwordHash: z.string().refine(isPasswordHash, 'is no argon2id hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash)'),
  }),
  z.strictObject({ id: idField, kind: z.literal('mtls'), fingerprints: z.array(fingerprintField) }),
  z.strictObject({
    id: idField,
    kind: z.literal('network'),
    networks: z.array(partyNetwork({ 32: 20, 128: 48 })).default([]),
    leases: z.array(leaseDocument).default([]),
  }),
])

const neverSigned: Readonly<Record<string, string>> = {
  forwarded: 'forwarded mail comes from the Internet and passes through: nobody can grant it',
  unknown: 'unknown is mail whose origin is not known: nobody can grant it',
}

const classField = z.string().transform((text, context): 'hosted' | 'hybrid' | 'notification' => {
  if (text === 'hosted' || text === 'hybrid' || text === 'notification') return text
  const message = neverSigned[text] ?? 'must be "hosted" or "hybrid" or "notification"'
  context.issues.push({ code: 'custom', input: text, message })
  return z.NEVER
})

const demand = z.enum(['off', 'prefer', 'require']).default('off')

export const grantDocument = z.strictObject({
  id: idField.optional(),
  source: idField,
  domains: z.array(domainField),
  classes: z.array(classField),
  evidence: z.strictObject({ dkim: demand, arc: demand }).prefault({}),
  limits: z
    .strictObject({
      messagesPerHour: positiveInteger.optional(),
      messagesPerDay: positiveInteger.optional(),
      recipientsPerHour: positiveInteger.optional(),
      recipientsPerDay: positiveInteger.optional(),
      recipientsPerMessage: positiveInteger.optional(),
    })
    .default({}),
  pool: poolField.optional(),
  approvedBy: line,
  reason: line,
})

export type DomainDocument = z.output<typeof domainDocument>
export type SourceDocument = z.output<typeof sourceDocument>
export type GrantDocument = Omit<z.output<typeof grantDocument>, 'id'> & { id: string }
export type CustomerDocument = Omit<z.output<typeof customerHead>, 'name' | 'domains' | 'sources' | 'grants'> & {
  name: string
  domains: DomainDocument[]
  sources: SourceDocument[]
  grants: GrantDocument[]
}
